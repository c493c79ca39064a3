import { byOrigin } from "../flights.ts";

byOrigin.process<number>({
  processElement: (flight, context) => {
    // expect-error: Argument of type 'Date' is not assignable to parameter of type 'number'
    context.timerService.registerEventTimeTimer(flight.landed);
  },
});
