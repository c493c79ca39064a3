import { flights } from "../flights.ts";

flights.process<number>({
  processElement: (flight, context) => {
    // expect-error: Property 'timerService' does not exist on type 'ProcessContext'
    context.timerService.registerEventTimeTimer(flight.date);
  },
});
