import type { SourceSpec } from "../../operators/operator-spec.ts";
import type { JobGraph, JobVertex } from "../job-graph.ts";
import { type SubtaskId, subtaskKey } from "../subtask-id.ts";
import type {
  AlignmentGroupReport,
  CoordinatorReport,
  InputReport,
  JobReport,
  OperatorReport,
  ReaderReport,
  SilentSlot,
  SubtaskReport,
} from "./job-report.ts";
import type { StallPlace } from "./stall-explanation.ts";

/** An operator of one subtask. */
export interface OperatorAt extends SubtaskId {
  /** Index in the plan of its vertex. */
  readonly operator: number;
}

/** A source of one subtask, with all that is known of it. */
export interface SourceAt {
  readonly at: OperatorAt;
  readonly place: StallPlace;
  readonly spec: SourceSpec;
  readonly subtask: SubtaskReport;
  readonly operator: OperatorReport;
  readonly reader: ReaderReport;
}

/** The reports of a job, found by what they are about. What has not been reported is undefined. */
export class ReportedJob {
  readonly graph: JobGraph;
  readonly report: JobReport;
  readonly #subtasks: ReadonlyMap<string, SubtaskReport>;

  constructor(graph: JobGraph, report: JobReport) {
    this.graph = graph;
    this.report = report;
    this.#subtasks = new Map(report.subtasks.map((subtask) => [subtaskKey(subtask), subtask]));
  }

  subtask(at: SubtaskId): SubtaskReport | undefined {
    return this.#subtasks.get(subtaskKey(at));
  }

  vertex({ vertexId }: SubtaskId): JobVertex {
    return this.graph.vertices[vertexId]!;
  }

  operator(at: OperatorAt): OperatorReport | undefined {
    return this.subtask(at)?.operators[at.operator];
  }

  placeOf(at: OperatorAt): StallPlace {
    const vertex = this.vertex(at);
    const { name, uid } = vertex.operators[at.operator]!;
    return { operator: name, uid, subtaskIndex: at.subtaskIndex, parallelism: vertex.parallelism };
  }

  /** The whole task, where nobody knows which of its operators it is. */
  placeOfTask(at: SubtaskId): StallPlace {
    const { name, operators, parallelism } = this.vertex(at);
    const uid = operators.length === 1 ? operators[0]!.uid : undefined;
    return { operator: name, uid, subtaskIndex: at.subtaskIndex, parallelism };
  }

  source(at: OperatorAt): SourceAt | undefined {
    const { spec } = this.vertex(at).operators[at.operator]!;
    const subtask = this.subtask(at);
    const operator = this.operator(at);
    if (spec.kind !== "source" || subtask === undefined || operator?.reader === undefined) return undefined;
    return { at, place: this.placeOf(at), spec, subtask, operator, reader: operator.reader };
  }

  /** The operator from which records of an edge come. */
  producerOf(edge: number, subtaskIndex: number): OperatorAt {
    const vertexId = this.graph.edges[edge]!.source;
    const output = this.graph.vertices[vertexId]!.outputs.find((each) => each.edge === edge)!;
    return { vertexId, subtaskIndex, operator: output.operator };
  }

  /** The subtasks of an operator. */
  *allOf(vertex: JobVertex, operator: number): Iterable<OperatorAt> {
    for (let subtaskIndex = 0; subtaskIndex < vertex.parallelism; subtaskIndex++) {
      yield { vertexId: vertex.id, subtaskIndex, operator };
    }
  }

  /** Where a source with this uid is. */
  sourceWithUid(uid: string, subtaskIndex: number): OperatorAt | undefined {
    for (const vertex of this.graph.vertices) {
      const operator = vertex.operators.findIndex((each) => each.uid === uid);
      if (operator >= 0) return { vertexId: vertex.id, subtaskIndex, operator };
    }
    return undefined;
  }

  readerCounts({ at, place }: SourceAt): CoordinatorReport["readers"][number] | undefined {
    return this.report.coordinators.find(({ uid }) => uid === place.uid)?.readers[at.subtaskIndex];
  }

  alignmentGroup(name: string): AlignmentGroupReport | undefined {
    return this.report.alignments.find(({ group }) => group === name);
  }

  silentSlotOf(at: SubtaskId): SilentSlot | undefined {
    return this.report.silentSlots.find(({ subtasks }) => subtasks.some((each) => subtaskKey(each) === subtaskKey(at)));
  }
}

/**
 * The input that holds back what all of them say together: of the active ones the lowest, or, when all that have not ended
 * are idle, the highest of those, which is where their watermark stands. Undefined when all have ended.
 */
export function holdingInput(inputs: readonly InputReport[]): number | undefined {
  let held: number | undefined;
  for (let index = 0; index < inputs.length; index++) {
    const { status, watermarkMs } = inputs[index]!;
    if (status === "finished") continue;
    const best = held === undefined ? undefined : inputs[held]!;
    if (best === undefined) held = index;
    else if (best.status !== status) held = status === "active" ? index : held;
    else if (status === "active" ? watermarkMs < best.watermarkMs : watermarkMs > best.watermarkMs) held = index;
  }
  return held;
}
