/** The parts of a job that metrics belong to; each is a format of the registry and a set of variables. @internal */
export interface JobScope {
  readonly host: string;
  /** The id of the process that runs the subtask. */
  readonly taskManagerId: string;
  readonly jobId: string;
  readonly jobName: string;
}

/** @internal */
export interface TaskScope extends JobScope {
  readonly taskId: string;
  readonly taskName: string;
  readonly subtaskIndex: number;
  /** How often the subtask was started before. */
  readonly attempt: number;
}

/** @internal */
export interface OperatorScope extends TaskScope {
  readonly operatorId: string;
  readonly operatorName: string;
}

/** How identifiers begin; `<name>` stands for a variable. The defaults are Flink's. @internal */
export interface ScopeFormats {
  readonly jobManagerJob: string;
  readonly taskManagerJob: string;
  readonly task: string;
  readonly operator: string;
}

/** @internal */
export const defaultScopeFormats: ScopeFormats = {
  jobManagerJob: "<host>.jobmanager.<job_name>",
  taskManagerJob: "<host>.taskmanager.<tm_id>.<job_name>",
  task: "<host>.taskmanager.<tm_id>.<job_name>.<task_name>.<subtask_index>",
  operator: "<host>.taskmanager.<tm_id>.<job_name>.<operator_name>.<subtask_index>",
};

/** Variables by their name with angle brackets, as in `"<job_name>"`. @public */
export type MetricVariables = ReadonlyMap<string, string>;

/** @internal */
export function jobVariables(scope: Omit<JobScope, "taskManagerId">): MetricVariables {
  return new Map([
    ["<host>", scope.host],
    ["<job_id>", scope.jobId],
    ["<job_name>", scope.jobName],
  ]);
}

/** @internal */
export function taskVariables(scope: TaskScope): MetricVariables {
  return new Map([
    ...jobVariables(scope),
    ["<tm_id>", scope.taskManagerId],
    ["<task_id>", scope.taskId],
    ["<task_name>", scope.taskName],
    ["<subtask_index>", String(scope.subtaskIndex)],
    ["<task_attempt_num>", String(scope.attempt)],
  ]);
}

/** @internal */
export function operatorVariables(scope: OperatorScope): MetricVariables {
  return new Map([
    ...taskVariables(scope),
    ["<operator_id>", scope.operatorId],
    ["<operator_name>", scope.operatorName],
  ]);
}

/** Fills a format's variables in. An unknown one stays as it is, so that the mistake is seen in the identifier. @internal */
export function fillScope(format: string, variables: MetricVariables): string {
  return format.replaceAll(/<[^<>]+>/g, (name) => variables.get(name) ?? name);
}
