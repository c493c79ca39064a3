/** Patterns over a stream of letters: contiguity, quantifiers, conditions, time limits, after-match skip strategies. */
import {
  AfterMatchSkipStrategy,
  CEP,
  type ConditionContext,
  Pattern,
  type PatternContext,
  type PatternKind,
  WithinType,
} from "@millrace/cep";
import { type Collector, type DataStream, OutputTag } from "millrace";
import type { OracleEvent } from "../line-source.ts";
import type { OracleJob, Program, Row } from "../oracle-job.ts";
import { ids } from "./window-functions.ts";

/** Any pattern; what its matches are called is of no interest here. */
type AnyOf<F, M, C, K extends PatternKind> = Pattern<OracleEvent, F, M, C, K>;
type Match = Readonly<Record<string, readonly OracleEvent[]>>;

const is = (letter: string) => (event: OracleEvent) => event.o === letter;
const valueAtLeast = (value: number) => (event: OracleEvent) => event.v >= value;
const first = (name: string, skip?: AfterMatchSkipStrategy) => Pattern.begin<OracleEvent>(name, skip).where(is(name));
const a = () => first("a");

function rowOf(label: string, match: unknown, timestampMs: number): Row {
  // The names of the stages are texts, so the type of a match has no more to say than this.
  const stages = Object.entries(match as Match).filter(([, events]) => events.length > 0);
  const key = (match as Match)["a"]![0]!.k;
  const sorted = stages.sort(([left], [right]) => (left < right ? -1 : 1));
  return [`${label}${key}`, ...sorted.flatMap(([name, events]) => [name, ids(events)]), timestampMs];
}

const matches = {
  processMatch: (match: unknown, context: PatternContext, out: Collector<Row>): void =>
    out.collect(rowOf("", match, context.timestamp)),
};

function program(name: string, build: (job: OracleJob) => void): Program {
  return { name: `cep-${name}`, input: "letters", order: "none", build };
}

function found<F, M, C, K extends PatternKind>(
  stream: DataStream<OracleEvent>,
  pattern: AnyOf<F, M, C, K>,
): DataStream<Row> {
  return CEP.pattern(stream, pattern).process(matches);
}

function cep<F, M, C, K extends PatternKind>(name: string, pattern: AnyOf<F, M, C, K>): Program {
  return program(name, (job) => job.out(found(job.keyed("a"), pattern)));
}

function timedOut<F, M, C, K extends PatternKind>(name: string, pattern: AnyOf<F, M, C, K>): Program {
  return program(name, (job) => {
    const tag = new OutputTag<Row>("timed-out");
    const rows = CEP.pattern(job.keyed("a"), pattern).process({
      ...matches,
      processTimedOutMatch: (match: unknown, context: PatternContext) =>
        context.output(tag, rowOf("timed out:", match, context.timestamp)),
    });
    job.out(rows);
    job.out(rows.getSideOutput(tag));
  });
}

const contiguity: readonly Program[] = [
  cep("next", a().next("b").where(is("b"))),
  cep("followed-by", a().followedBy("b").where(is("b"))),
  cep("followed-by-any", a().followedByAny("b").where(is("b")).within(300)),
  cep("not-next", a().notNext("x").where(is("b")).followedBy("c").where(is("c"))),
  cep("not-followed-by", a().notFollowedBy("x").where(is("b")).followedBy("c").where(is("c"))),
  {
    ...cep("not-followed-by-within", a().notFollowedBy("x").where(is("b")).within(120)),
    comparable: (row) => row.slice(0, -1),
  },
  cep("three-stages", a().followedBy("b").where(is("b")).next("c").where(is("c"))),
  program("not-keyed", (job) => job.out(found(job.stream("a"), a().next("b").where(is("b"))))),
];

const bThenD = () => first("b").next("d").where(is("d"));

const quantifiers: readonly Program[] = [
  cep("times", a().times(2).followedBy("c").where(is("c")).within(200)),
  cep("times-range", a().times(2, 3).followedBy("c").where(is("c")).within(200)),
  cep("times-or-more", a().timesOrMore(2).followedBy("c").where(is("c")).within(200)),
  cep("one-or-more", a().oneOrMore().followedBy("c").where(is("c")).within(200)),
  cep("one-or-more-consecutive", a().oneOrMore().consecutive().followedBy("c").where(is("c")).within(200)),
  cep("one-or-more-combinations", a().oneOrMore().allowCombinations().followedBy("c").where(is("c")).within(150)),
  cep("one-or-more-greedy", a().oneOrMore().greedy().followedBy("c").where(is("c")).within(200)),
  cep("times-consecutive", a().times(2).consecutive().next("b").where(is("b"))),
  cep("optional", a().followedBy("b").where(is("b")).optional().followedBy("c").where(is("c")).within(150)),
  cep("optional-next", a().next("b").where(is("b")).optional().next("c").where(is("c"))),
  cep(
    "zero-or-more",
    a().followedBy("b").where(is("b")).oneOrMore().optional().followedBy("c").where(is("c")).within(120),
  ),
  cep(
    "zero-or-more-greedy",
    a().followedBy("b").where(is("b")).oneOrMore().optional().greedy().followedBy("c").where(is("c")).within(120),
  ),
  cep("times-optional", a().next("b").where(is("b")).times(2).optional().followedBy("c").where(is("c")).within(150)),
  cep(
    "group-times",
    Pattern.begin(a().next("b").where(is("b")))
      .times(2)
      .followedBy("c")
      .where(is("c"))
      .within(400),
  ),
  cep("group-optional", a().followedBy(bThenD()).optional().followedBy("c").where(is("c")).within(150)),
];

type Names = Readonly<Record<string, readonly OracleEvent[]>>;

/** Every next record is larger than the one before it. */
function rising(event: OracleEvent, context: ConditionContext<Names>): boolean {
  return event.v > (context.getEventsForPattern("rising").at(-1)?.v ?? Number.NEGATIVE_INFINITY);
}

function largerThanStart(event: OracleEvent, context: ConditionContext<Names>): boolean {
  return event.v > context.getEventsForPattern("a")[0]!.v;
}

const conditions: readonly Program[] = [
  cep("until", a().oneOrMore().until(is("d")).followedBy("c").where(is("c")).within(250)),
  cep("or", a().or(is("d")).next("b").where(is("b"))),
  cep("where-twice", a().where(valueAtLeast(5)).followedBy("b").where(is("b")).where(valueAtLeast(5))),
  cep("iterative", a().followedBy("rising").where(rising).oneOrMore().within(120)),
  cep("iterative-start", a().followedByAny("b").where(is("b")).where(largerThanStart).within(200)),
];

const limits: readonly Program[] = [
  cep("within", a().followedBy("b").where(is("b")).followedBy("c").where(is("c")).within(100)),
  cep(
    "within-previous-and-current",
    a().followedBy("b").where(is("b")).within(40, WithinType.PREVIOUS_AND_CURRENT).followedBy("c").where(is("c")),
  ),
  timedOut("timed-out", a().followedBy("b").where(is("b")).followedBy("c").where(is("c")).within(60)),
  timedOut("timed-out-loop", a().oneOrMore().followedBy("c").where(is("c")).within(80)),
  program("late", (job) => {
    const late = new OutputTag<OracleEvent>("late");
    const patterns = CEP.pattern(job.keyed("a"), a().next("b").where(is("b"))).sideOutputLateData(late);
    const rows = patterns.process(matches);
    job.out(rows);
    job.outLate(rows.getSideOutput(late));
  }),
];

/** Each after-match skip strategy over patterns with many overlapping matches. */
function skipping(name: string, strategy: AfterMatchSkipStrategy): readonly Program[] {
  const loops = first("a", strategy).oneOrMore().followedBy("b").where(is("b")).oneOrMore();
  const any = first("a", strategy).followedByAny("b").where(is("b")).times(1, 2);
  return [
    cep(`skip-${name}`, loops.followedBy("c").where(is("c")).within(150)),
    cep(`skip-any-${name}`, any.followedByAny("c").where(is("c")).within(120)),
  ];
}

export const cepPrograms: readonly Program[] = [
  ...contiguity,
  ...quantifiers,
  ...conditions,
  ...limits,
  ...skipping("no-skip", AfterMatchSkipStrategy.noSkip()),
  ...skipping("to-next", AfterMatchSkipStrategy.skipToNext()),
  ...skipping("past-last", AfterMatchSkipStrategy.skipPastLastEvent()),
  ...skipping("to-first", AfterMatchSkipStrategy.skipToFirst("b")),
  ...skipping("to-last", AfterMatchSkipStrategy.skipToLast("b")),
];
