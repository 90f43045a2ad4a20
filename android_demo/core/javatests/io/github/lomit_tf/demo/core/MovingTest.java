package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Pixels that move, against what Python makes of them (tools/android/golden_moving.py), and within a translation. */
public final class MovingTest {
    private static final int SIZE = TranslatorTest.SIZE;

    /** displacement.png: level 128 is 0, and 127 levels are 5 pixels. */
    private static Planes displacement() throws Exception {
        Planes levels = Golden.mask("displacement.png");
        Planes by = new Planes(levels.width / 2, levels.height, 2);
        for (int i = 0; i < by.values.length; i++) {
            by.values[i] = (Math.round(255 * levels.values[i]) - 128f) / 127f * 5f;
        }
        return by;
    }

    /** A displacement of so many pixels of a 4 x 4 model to the right, everywhere. */
    private static Planes toTheRight(float pixels) {
        Planes by = new Planes(4, 4, 2);
        for (int i = 0; i < by.values.length; i += 2) {
            by.values[i] = pixels;
        }
        return by;
    }

    @Test
    public void whatTheModelSeesMovesAsInOpenCv() throws Exception {
        Planes seen = Preprocess.toModelRange(Golden.picture("view.png"));
        Planes moved = Moving.moved(seen, displacement());
        Golden.assertNear(Golden.picture("view_moved.png"), Preprocess.fromModelRange(moved), 1);
        int differ = 0;
        for (int i = 0; i < moved.values.length; i++) {
            differ += Math.abs(moved.values[i] - seen.values[i]) > 0.1f ? 1 : 0;
        }
        assertTrue(differ + " values", differ > 200);
        Planes hardly = new Planes(SIZE, SIZE, 2);
        Arrays.fill(hardly.values, 1 / 65f);
        assertArrayEquals(seen.values, Moving.moved(seen, hardly).values, 0f);
    }

    @Test
    public void aPhotographsPixelsMoveAsInPython() throws Exception {
        expectMoved("within", new Window(12, 31, 110, 101));
        expectMoved("beyond", new Window(60, -35, 130, 130));
        expectMoved("turned", new Window(25, 45, 90, 90, 25));
    }

    private static void expectMoved(String name, Window window) throws Exception {
        Picture photo = Golden.picture("photo.png");
        Planes by = displacement();
        Planes mask = Golden.mask("mask.png");
        Planes before = Moving.moved(Preprocess.toModelRange(Preprocess.resize(photo, window, SIZE)), by);
        Planes change = PasteBack.change(Preprocess.toModelRange(Golden.picture("painted.png")), before);
        Picture made = PasteBack.add(photo, window, change, mask, 1f, Moving.of(photo, window, by, 1f));
        Picture expected = within(photo, window, Golden.picture("moved_" + name + ".png"));
        int differ = Golden.assertNear(expected, made, 1);
        assertTrue(name + ": " + differ + " values", differ < made.argb.length / 50);
        Picture still = PasteBack.add(photo, window, change, mask, 1f);
        int moved = 0;
        for (int i = 0; i < made.argb.length; i++) {
            moved += Math.abs((made.argb[i] & 255) - (still.argb[i] & 255)) > 4 ? 1 : 0;
        }
        assertTrue(name + ": " + moved + " pixels", moved > 100);
    }

    /** A photograph with a part in the place of its own pixels. */
    private static Picture within(Picture photo, Window window, Picture part) {
        int[] inside = window.inside(photo.width, photo.height);
        assertEquals(inside[2] - inside[0], part.width);
        assertEquals(inside[3] - inside[1], part.height);
        int[] argb = photo.argb.clone();
        for (int y = 0; y < part.height; y++) {
            System.arraycopy(part.argb, y * part.width, argb, (inside[1] + y) * photo.width + inside[0], part.width);
        }
        return new Picture(photo.width, photo.height, argb);
    }

    /** Half a pixel of the model is four of the window, as they were given; nothing moves where no mask is. */
    @Test
    public void wholePixelsAreTakenFromThePictureAsItWas() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = new Window(40, 30, 32, 32);
        Planes mask = new Planes(4, 4, 1);
        Arrays.fill(mask.values, 0, 8, 1f); // the upper half
        Moving moving = Moving.of(photo, window, toTheRight(0.5f), 1f);
        int[] given = photo.argb.clone();
        Picture made = PasteBack.add(photo, window, new Planes(4, 4, 3), mask, 1f, moving);
        assertArrayEquals(given, photo.argb);
        for (int y = 0; y < photo.height; y++) {
            for (int x = 0; x < photo.width; x++) {
                int at = y * photo.width + x;
                boolean inside = x >= 40 && x < 72 && y >= 30 && y < 62;
                if (!inside || y >= 51) { // the mask is interpolated up to here
                    assertEquals(photo.argb[at], made.argb[at]);
                } else if (x >= 44 && x < 66 && y >= 33 && y < 48) { // where the window does not fade out
                    assertEquals(photo.argb[at + 4], made.argb[at]);
                }
            }
        }
    }

    @Test
    public void nothingMovesWhereNothingIsSaidTo() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = new Window(40, 30, 32, 32);
        assertNull(Moving.of(photo, window, toTheRight(0f), 1f));
        Planes mask = new Planes(4, 4, 1);
        Arrays.fill(mask.values, 1f);
        Moving moving = Moving.of(photo, window, toTheRight(1 / 600f), 1f); // 1/75 of a pixel of the window
        assertArrayEquals(photo.argb, PasteBack.add(photo, window, new Planes(4, 4, 3), mask, 1f, moving).argb);
        Window turned = new Window(40, 30, 32, 32, 20);
        moving = Moving.of(photo, turned, toTheRight(1 / 600f), 1f);
        assertArrayEquals(photo.argb, PasteBack.add(photo, turned, new Planes(4, 4, 3), mask, 1f, moving).argb);
    }

    /** A smile that moves everything by four pixels and paints nothing, and lips, which are what is white. */
    @Test
    public void aTranslationMovesFirstAndLooksAgainAtWhatHasMoved() throws Exception {
        Network masks = TranslatorTest.white();
        Picture photo = TranslatorTest.plain(SIZE, SIZE, 0xff404040);
        for (int y = 0; y < SIZE; y++) {
            Arrays.fill(photo.argb, y * SIZE + 30, y * SIZE + 36, 0xffffffff);
        }
        Translator translator = new Translator(masks, smile(2), "lips\nsmile", "lips", "", "smile");
        assertTrue(translator.model.displacement);
        Framing.Frame frame = new Framing(false, 1).frame(photo, null);
        MaskEdits none = new MaskEdits();
        ModelView input = translator.view(photo, frame);
        Exemplar star = Exemplar.of(translator.view(TranslatorTest.plain(SIZE, SIZE, 0xffffffff), frame), none);
        int row = 32 * SIZE;
        int[] smiled = translator.translate(photo, input, none, star, new boolean[] {false, true}).argb;
        int[] both = translator.translate(photo, input, none, star).argb;
        for (int x = 8; x < SIZE - 8; x++) {
            boolean white = x >= 26 && x < 32;
            assertEquals("column " + x, white ? 255 : 0x40, smiled[row + x] & 255, 1);
            if (x < 24 || x > 37 || x > 27 && x < 30) { // away from the edges of the masks, which are interpolated
                assertEquals("column " + x, white ? 255 - Math.round(0.4f * 127.5f) : 0x40, both[row + x] & 255, 1);
            }
        }
        try {
            new Translator(masks, smile(3), "lips\nsmile", "lips", "", "smile");
            fail();
        } catch (DemoException e) {
            assertTrue(e.getMessage(), e.getMessage().contains("expected displacement [1, 64, 64, 2]"));
        }
    }

    private static Network smile(int channels) {
        List<Network.Tensor> outputs = Arrays.asList(TranslatorTest.tensor("displacement", channels),
                new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32), TranslatorTest.tensor("raw", 3));
        return new TranslatorTest.Arithmetic(outputs, TranslatorTest.tensor("exemplar_masks", 2),
                TranslatorTest.tensor("exemplar", 3), TranslatorTest.tensor("image_masks", 2),
                TranslatorTest.tensor("image", 3), new Network.Tensor("transfer", 1, 2)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                Planes by = new Planes(SIZE, SIZE, 2);
                for (int i = 0; i < SIZE * SIZE; i++) {
                    by.values[2 * i] = 4f * feed.get("transfer")[1];
                }
                if (output.equals("displacement")) {
                    return by.values;
                }
                if (output.equals("raw")) {
                    return Moving.moved(new Planes(SIZE, SIZE, 3, feed.get("image")), by).values;
                }
                float[] curves = new float[SIZE / 8 * SIZE / 8 * 32];
                Arrays.fill(curves, -0.4f * feed.get("transfer")[0]);
                return curves;
            }
        };
    }
}
