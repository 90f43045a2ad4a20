package io.github.lomit_tf.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertTrue;

import android.graphics.Bitmap;
import android.view.View;
import android.view.ViewGroup;
import android.widget.Button;
import android.widget.CheckBox;
import android.widget.LinearLayout;
import android.widget.TextView;
import io.github.lomit_tf.demo.core.DemoState;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;

/** The layout, drawn in both themes and languages. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, qualifiers = "w360dp-h740dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class ScreenTest extends WithApp {
    private void translated(String name) throws Exception {
        app.pick();
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        Bitmap page = app.draw();
        App.keep(page, name);
        assertEquals(0, check(app.view(R.id.page), 48 * app.activity().getResources().getDisplayMetrics().density));
        assertTrue("the page has more than one colour", colours(page) > 50);
    }

    /** Counts what a finger or a screen reader cannot use: too small, without a text, or with a text that is cut. */
    private static int check(View view, float least) {
        if (view.getVisibility() != View.VISIBLE) {
            return 0;
        }
        int bad = 0;
        if (view instanceof ViewGroup && !(view instanceof android.widget.Spinner)) {
            for (int i = 0; i < ((ViewGroup) view).getChildCount(); i++) {
                bad += check(((ViewGroup) view).getChildAt(i), least);
            }
            return bad;
        }
        boolean touched = view.isClickable() || view instanceof MaskView || view instanceof CompareView
                || view instanceof android.widget.SeekBar;
        boolean named = view.getContentDescription() != null
                || view instanceof TextView && ((TextView) view).length() > 0;
        String what = view.getResources().getResourceEntryName(Math.max(view.getId(), R.id.page));
        if (touched && (!named || view.getHeight() < least - 1 || view.getWidth() < least - 1)) {
            System.out.println(what + " " + view + " is " + view.getWidth() + "x" + view.getHeight());
            bad++;
        }
        if (view instanceof TextView && ((TextView) view).getLayout() != null) {
            TextView text = (TextView) view;
            int room = text.getHeight() - text.getCompoundPaddingTop() - text.getCompoundPaddingBottom();
            if (text.getLayout().getHeight() > room + 1 || text instanceof Button && !(text instanceof CheckBox)
                    && text.getLineCount() > 2) {
                System.out.println(what + ": '" + text.getText() + "' has " + text.getLineCount() + " lines");
                bad++;
            }
        }
        return bad;
    }

    private static int colours(Bitmap bitmap) {
        java.util.Set<Integer> found = new java.util.HashSet<Integer>();
        for (int y = 0; y < bitmap.getHeight(); y += 7) {
            for (int x = 0; x < bitmap.getWidth(); x += 7) {
                found.add(bitmap.getPixel(x, y));
            }
        }
        return found.size();
    }

    @Test
    public void light() throws Exception {
        translated("light.png");
        assertEquals("Done in " + app.session().state.milliseconds() + " ms.", app.text(R.id.status));
        String about = app.text(R.id.about);
        assertTrue(about, about.contains("photographs of faces") && about.contains("non-commercial research"));
        assertTrue("there are colours", app.view(R.id.swatches).getVisibility() == View.VISIBLE);
        int paper = app.draw().getPixel(2, 2);
        assertTrue("a light page", (paper >> 8 & 255) > 200);
        LinearLayout groups = (LinearLayout) app.view(R.id.groups);
        assertEquals(app.session().model.groups.size(), groups.getChildCount());
        assertTrue(app.view(R.id.save).isEnabled());
        ((CheckBox) groups.getChildAt(0)).performClick();
        assertFalse(app.session().state.chosen(0));
        assertFalse("the result is another model's choice now", app.view(R.id.save).isEnabled());
    }

    @Test
    @Config(qualifiers = "+night")
    public void dark() throws Exception {
        translated("dark.png");
        int paper = app.draw().getPixel(2, 2);
        assertTrue("a dark page", (paper >> 8 & 255) < 80);
    }

    @Test
    @Config(qualifiers = "+ko-rKR")
    public void korean() throws Exception {
        translated("korean.png");
        assertEquals("변환", app.text(R.id.translate));
        assertTrue(app.text(R.id.status), app.text(R.id.status).endsWith("걸렸습니다."));
    }

    @Test
    @Config(qualifiers = "w740dp-h360dp-land-xhdpi")
    public void landscape() throws Exception {
        translated("landscape.png");
    }

    @Test
    public void empty() throws Exception {
        App.keep(app.draw(), "empty.png");
        assertEquals("Pick a photo, and an exemplar or a colour.", app.text(R.id.status));
        assertFalse(app.view(R.id.translate).isEnabled());
        assertFalse(app.view(R.id.undo).isEnabled());
        assertNotNull(app.view(R.id.photo_view).getContentDescription());
    }
}
