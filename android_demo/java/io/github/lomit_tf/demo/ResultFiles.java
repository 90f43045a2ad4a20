package io.github.lomit_tf.demo;

import android.content.Context;
import android.net.Uri;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Side;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** The results of a session as files: kept in the app's own folder, copied to where the person asks, removed. */
final class ResultFiles {
    private final Session session;
    private final Work work;
    private final Context context;

    ResultFiles(Session session, Work work, Context context) {
        this.session = session;
        this.work = work;
        this.context = context;
    }

    /** Writes a result; its URI. Within `compute` only. */
    String keep(Picture result) throws IOException {
        String name = "result-" + System.currentTimeMillis() + ".png";
        return Pictures.shared(Pictures.write(context, result, name)).toString();
    }

    /** Copies the result to where the person wants it. */
    void save(final Uri target) {
        final Uri result = Uri.parse(session.state.result());
        work.start(new Work.Task<Boolean>() {
            @Override
            public Boolean compute() throws DemoException {
                Pictures.copy(context, result, target);
                return true;
            }

            @Override
            public void done(Boolean saved) {
                session.say(R.string.saved);
            }

            @Override
            public void failed(DemoException.Kind kind) {
                session.say(R.string.error_not_saved);
            }
        });
    }

    /** Removes the app's own files that are no longer used. */
    void clean() {
        final List<String> used =
                Arrays.asList(session.state.uri(Side.INPUT), session.state.uri(Side.EXEMPLAR), session.state.result());
        work.start(new Work.Task<Boolean>() {
            @Override
            public Boolean compute() {
                Pictures.clean(context, used, System.currentTimeMillis());
                return true;
            }

            @Override
            public void done(Boolean cleaned) {}

            @Override
            public void failed(DemoException.Kind kind) {} // the next time again; nothing that the person did failed
        });
    }
}
