import { flights, texts } from "../flights.ts";

flights.connect(texts).process<number>({
  processElement1: (flight, context) => {
    // expect-error: Property 'timerService' does not exist on type 'ProcessContext'
    context.timerService.registerEventTimeTimer(flight.date);
  },
  processElement2: () => {},
});
