/** Which subtask of which vertex of a job's graph. @internal */
export interface SubtaskId {
  readonly vertexId: number;
  readonly subtaskIndex: number;
}

/** One text for each subtask of a graph, as a key. @internal */
export function subtaskKey({ vertexId, subtaskIndex }: SubtaskId): string {
  return `${vertexId}/${subtaskIndex}`;
}
