package lomit.demo.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** What was found of the last pictures, by their URIs: pixels and masks at the model's size, not the pictures. */
public final class SeenCache {
    static final int KEPT = 8;

    private final Map<String, Translator.Seen> seen = new LinkedHashMap<String, Translator.Seen>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Translator.Seen> eldest) {
            return size() > KEPT;
        }
    };

    /** Null where it was not seen, or long ago. */
    public synchronized Translator.Seen get(String uri) {
        return seen.get(uri);
    }

    public synchronized void put(String uri, Translator.Seen found) {
        seen.put(uri, found);
    }
}
