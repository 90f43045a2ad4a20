package io.github.lomit_tf.demo;

import org.junit.After;
import org.junit.Before;

/** Tests of the activity: each begins with one just started, and none is left behind. */
abstract class WithApp {
    App app;

    @Before
    public final void startApp() {
        App.useLiteRt();
        app = new App();
    }

    @After
    public final void closeApp() {
        app.close();
    }
}
