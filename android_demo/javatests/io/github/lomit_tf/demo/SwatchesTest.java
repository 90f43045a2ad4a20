package io.github.lomit_tf.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import android.app.AlertDialog;
import android.content.DialogInterface;
import android.graphics.Bitmap;
import android.os.Bundle;
import android.view.View;
import android.view.ViewGroup;
import android.widget.SeekBar;
import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Side;
import java.util.ArrayList;
import java.util.List;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.annotation.Config;
import org.robolectric.annotation.GraphicsMode;
import org.robolectric.shadows.ShadowDialog;

/** A colour in the place of an exemplar: by a swatch, or by the picker. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 35, qualifiers = "w360dp-h740dp-xhdpi")
@GraphicsMode(GraphicsMode.Mode.NATIVE)
public final class SwatchesTest extends WithApp {
    @Before
    public void pick() throws Exception {
        app.session().pick(Side.INPUT, Pictures.ofAsset(App.COLLINS));
        awaitPhoto();
    }

    private void awaitPhoto() throws InterruptedException {
        app.await("the photo", new App.Condition() {
            @Override
            boolean holds() {
                return app.session().model != null && app.session().bitmaps.of(Side.INPUT).masks != null;
            }
        });
    }

    private List<SwatchView> swatches() {
        List<SwatchView> found = new ArrayList<SwatchView>();
        ViewGroup rows = (ViewGroup) app.view(R.id.swatches);
        for (int i = 0; i < rows.getChildCount(); i++) {
            for (int k = 0; rows.getChildAt(i) instanceof ViewGroup && k < ((ViewGroup) rows.getChildAt(i)).getChildCount(); k++) {
                View cell = ((ViewGroup) rows.getChildAt(i)).getChildAt(k);
                if (cell instanceof SwatchView) {
                    found.add((SwatchView) cell);
                }
            }
        }
        return found;
    }

    private SwatchView swatch(String name) {
        for (SwatchView one : swatches()) {
            if (name.contentEquals(one.getContentDescription())) {
                return one;
            }
        }
        throw new AssertionError("there is no " + name);
    }

    private View other() {
        ViewGroup rows = (ViewGroup) app.view(R.id.swatches);
        ViewGroup last = (ViewGroup) rows.getChildAt(rows.getChildCount() - 1);
        return last.getChildAt(last.getChildCount() - 1);
    }

    /** Mean of blue less red where the model is sure of hair. */
    private double blueness(String uri) throws Exception {
        Picture made = Pictures.read(app.activity(), uri);
        double sum = 0;
        int count = 0;
        for (int y = 40; y < 90; y++) { // the hair above the face, of a portrait of 512 pixels
            for (int x = 190; x < 250; x++) {
                int pixel = made.argb[y * made.width + x];
                sum += (pixel & 255) - (pixel >> 16 & 255);
                count++;
            }
        }
        return sum / count;
    }

    @Test
    public void aSwatchSetsAColour() throws Exception {
        assertEquals(8, swatches().size());
        swatch("Blue").performClick();
        assertEquals("colour:#2b6fd6:hair", app.session().state.uri(Side.EXEMPLAR));
        assertTrue(swatch("Blue").isSelected());
        assertFalse(swatch("Pink").isSelected());
        assertNull("nothing to paint on", app.session().bitmaps.of(Side.EXEMPLAR).masks);
        Bitmap shown = app.session().bitmaps.of(Side.EXEMPLAR).bitmap;
        assertEquals(0xff2b6fd6, shown.getPixel(shown.getWidth() / 2, shown.getHeight() / 2));
        app.view(R.id.translate).performClick();
        app.await(DemoState.Phase.DONE);
        App.keep(app.draw(), "colour.png");
        double before = blueness(app.session().state.uri(Side.INPUT));
        double after = blueness(app.session().state.result());
        assertTrue("hair is blue: " + before + " -> " + after, before < 0 && after > 40);
        app.session().pick(Side.EXEMPLAR, Pictures.ofAsset(App.HOPPER));
        assertFalse("an exemplar takes its place", swatch("Blue").isSelected());
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
    }

    @Test
    public void aColourOutlivesTheProcess() throws Exception {
        swatch("Pink").performClick();
        Bundle saved = new Bundle();
        app.controller.pause().stop().saveInstanceState(saved);
        app = new App(saved);
        awaitPhoto();
        assertTrue(swatch("Pink").isSelected());
        assertNotNull(app.session().bitmaps.of(Side.EXEMPLAR).bitmap);
        assertEquals(DemoState.Phase.READY, app.session().state.phase());
    }

    @Test
    public void anyColourCanBePicked() throws Exception {
        other().performClick();
        AlertDialog dialog = (AlertDialog) ShadowDialog.getLatestDialog();
        List<SeekBar> bars = new ArrayList<SeekBar>();
        find((ViewGroup) dialog.getWindow().getDecorView(), bars);
        assertEquals(3, bars.size());
        bars.get(0).setProgress(120);
        bars.get(1).setProgress(100);
        bars.get(2).setProgress(100);
        dialog.getButton(DialogInterface.BUTTON_POSITIVE).performClick();
        App.idle();
        assertEquals(0x00ff00, ColourStyle.parse(app.session().state.uri(Side.EXEMPLAR)).rgb);
        for (SwatchView one : swatches()) {
            assertFalse(one.isSelected());
        }
    }

    private static void find(ViewGroup group, List<SeekBar> bars) {
        for (int i = 0; i < group.getChildCount(); i++) {
            if (group.getChildAt(i) instanceof SeekBar) {
                bars.add((SeekBar) group.getChildAt(i));
            } else if (group.getChildAt(i) instanceof ViewGroup) {
                find((ViewGroup) group.getChildAt(i), bars);
            }
        }
    }
}
