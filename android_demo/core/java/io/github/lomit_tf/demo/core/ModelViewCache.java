package io.github.lomit_tf.demo.core;

import java.util.LinkedHashMap;
import java.util.Map;

/** What was found of the last pictures, by their URIs: pixels and masks at the model's size, not the pictures. */
public final class ModelViewCache {
    static final int LIMIT = 8;

    private final Map<String, ModelView> views = new LinkedHashMap<String, ModelView>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, ModelView> eldest) {
            return size() > LIMIT;
        }
    };

    /** Null where it was not looked at, or long ago. */
    public synchronized ModelView get(String uri) {
        return views.get(uri);
    }

    public synchronized void put(String uri, ModelView view) {
        views.put(uri, view);
    }
}
