package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.Test;

/** Masks that go on beyond their window, against lomit_tf/imaging/mask_edges.py (tools/android/golden.py). */
public final class MaskEdgesTest {
    private static final Window HEAD = new Window(75, 5, 115, 105);

    private static void compare(String name, Window window) throws Exception {
        compare(name, window, "dark_mask.png");
    }

    private static void compare(String name, Window window, String mask) throws Exception {
        MaskEdges.Layer made = MaskEdges.extend(Golden.picture("dark.png"), Golden.mask(mask), Curves.map(window));
        List<double[]> map = Golden.numbers(name + ".txt");
        for (int i = 0; i < made.map.length; i++) {
            assertEquals("map " + i, map.get(i / 3)[i % 3], made.map[i], 1e-9);
        }
        Planes expected = Golden.mask(name + ".png");
        assertEquals(expected.width, made.masks.width);
        assertEquals(expected.height, made.masks.height);
        double sum = 0;
        float most = 0f;
        int beyond = 0;
        for (int i = 0; i < expected.values.length; i++) {
            float difference = Math.abs(expected.values[i] - made.masks.values[i]);
            most = Math.max(most, difference);
            sum += difference;
            double x = (i % expected.width + 0.5) / expected.width / made.map[0] - made.map[2] / made.map[0];
            double y = (i / expected.width + 0.5) / expected.height / made.map[4] - made.map[5] / made.map[4];
            double[] at = Curves.map(window);
            double v = at[3] * x + at[4] * y + at[5];
            beyond += v > 1 && made.masks.values[i] > 0.5f ? 1 : 0;
        }
        double mean = sum / expected.values.length;
        System.out.println(name + ": at most " + most + ", in the mean " + mean + "; " + beyond + " pixels below");
        assertTrue(name + " differs by " + most, most < 0.02f);
        assertTrue(name + " differs in the mean by " + mean, mean < 0.002);
        assertTrue("what is dark goes on below the window", beyond > 100);
    }

    @Test
    public void whatIsDarkGoesOnAsInPython() throws Exception {
        compare("extended", HEAD);
    }

    @Test
    public void itGoesOnBeyondATurnedWindowAsInPython() throws Exception {
        compare("extended_turned", new Window(HEAD.left, HEAD.top, HEAD.width, HEAD.height, 20));
    }

    /** Hair that goes on above, where it becomes wider only slowly. */
    @Test
    public void itGoesOnAboveAsInPython() throws Exception {
        compare("extended_lower", new Window(HEAD.left, HEAD.top + 45, HEAD.width, HEAD.height), "dark_mask_lower.png");
    }

    @Test
    public void nothingGoesOnWhereThereIsNothing() throws Exception {
        Picture photo = Golden.picture("dark.png");
        Planes mask = Golden.mask("dark_mask.png");
        assertNull("all of the picture",
                MaskEdges.extend(photo, mask, Curves.map(new Window(0, 0, photo.width, photo.height))));
        Planes inner = new Planes(8, 8, 1);
        inner.values[3 * 8 + 3] = 1f;
        assertNull("no mask at the border", MaskEdges.extend(photo, inner, Curves.map(HEAD)));
    }

    /** Within the window the masks are the given ones; beyond it those that go on, and 0 where nothing does. */
    @Test
    public void curvesAreAppliedBeyondTheWindow() throws Exception {
        int[] argb = new int[200 * 200];
        for (int i = 0; i < argb.length; i++) {
            argb[i] = i % 200 < 100 ? 0xff403020 : 0xffc0d0e0; // hair on the left, a wall on the right
        }
        Picture photo = new Picture(200, 200, argb);
        Planes mask = new Planes(64, 64, 1);
        for (int i = 0; i < mask.values.length; i++) {
            mask.values[i] = i % 64 < 32 ? 1f : 0f;
        }
        Planes curves = new Planes(8, 8, 32);
        for (int i = 0; i < curves.values.length; i++) {
            curves.values[i] = i % 4 == 3 ? 0f : 0.4f;
        }
        Window window = new Window(60, 20, 80, 80);
        double[] map = Curves.map(window);
        MaskEdges.Layer beyond = MaskEdges.extend(photo, mask, map);
        Picture made = Curves.apply(photo, curves, beyond.masks, map, beyond.map, 1f);
        assertEquals("within", 0xff403020 + 0x333333, made.argb[60 * 200 + 80]);
        assertTrue("hair below", (made.argb[110 * 200 + 80] & 255) > 0x20 + 30);
        assertEquals("the wall below", 0xffc0d0e0, made.argb[110 * 200 + 120]);
        assertEquals("too far", 0xff403020, made.argb[195 * 200 + 80]);
        Picture without = Curves.apply(photo, curves, mask, map, map, 1f);
        assertArrayEquals(Arrays.copyOfRange(photo.argb, 100 * 200, 200 * 200),
                Arrays.copyOfRange(without.argb, 100 * 200, 200 * 200));
    }
}
