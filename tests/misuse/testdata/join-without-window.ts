import { flights } from "../flights.ts";

const joined = flights.join(flights).where((left) => left.origin).equalTo((right) => right.origin);
// expect-error: Property 'apply' does not exist on type 'JoinedEqualTo<Flight, Flight, string>'
joined.apply(() => 0);
