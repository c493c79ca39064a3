package millrace.oracle;

import static millrace.oracle.CepPrograms.is;
import static millrace.oracle.WindowPrograms.ms;

import java.util.List;
import java.util.Map;
import org.apache.flink.cep.nfa.aftermatch.AfterMatchSkipStrategy;
import org.apache.flink.cep.pattern.Pattern;

/** Each after-match skip strategy over patterns with many overlapping matches. */
final class CepSkipPrograms {
    private CepSkipPrograms() {}

    static void add(List<Program> programs) {
        Map<String, AfterMatchSkipStrategy> strategies = Map.of(
                "no-skip", AfterMatchSkipStrategy.noSkip(),
                "to-next", AfterMatchSkipStrategy.skipToNext(),
                "past-last", AfterMatchSkipStrategy.skipPastLastEvent(),
                "to-first", AfterMatchSkipStrategy.skipToFirst("b"),
                "to-last", AfterMatchSkipStrategy.skipToLast("b"));
        for (String name : List.of("no-skip", "to-next", "past-last", "to-first", "to-last")) {
            AfterMatchSkipStrategy strategy = strategies.get(name);
            CepPrograms.cep(programs, "cep-skip-" + name,
                    Pattern.<Event>begin("a", strategy).where(is("a")).oneOrMore()
                            .followedBy("b").where(is("b")).oneOrMore()
                            .followedBy("c").where(is("c")).within(ms(150)));
            CepPrograms.cep(programs, "cep-skip-any-" + name,
                    Pattern.<Event>begin("a", strategy).where(is("a"))
                            .followedByAny("b").where(is("b")).times(1, 2)
                            .followedByAny("c").where(is("c")).within(ms(120)));
        }
    }
}
