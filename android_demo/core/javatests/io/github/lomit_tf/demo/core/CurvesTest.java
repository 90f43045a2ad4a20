package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import org.junit.Test;

/** Colour curves and shared masks against what NumPy and OpenCV make of the same (tools/android/golden.py). */
public final class CurvesTest {
    private static final Window WINDOW = new Window(12, 31, 110, 101);
    private static final double[] TURNED = {0.008, 0.0025, -0.35, -0.0025, 0.008, -0.1};
    private static final int SIDE = 8;

    /** Level 128 is no change and 127 levels are 0.8. */
    private static Planes curves() throws Exception {
        Planes levels = Golden.mask("curves.png");
        float[] values = new float[levels.values.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = (Math.round(levels.values[i] * 255f) - 128) / 127f * 0.8f;
        }
        return new Planes(SIDE, SIDE, values.length / SIDE / SIDE, values);
    }

    private static Planes masks() throws Exception {
        Planes one = Golden.mask("mask.png");
        Planes other = Golden.mask("mask_other.png");
        Planes both = new Planes(one.width, one.height, 2);
        for (int i = 0; i < one.values.length; i++) {
            both.values[2 * i] = one.values[i];
            both.values[2 * i + 1] = other.values[i];
        }
        return both;
    }

    @Test
    public void changesColoursAsNumPy() throws Exception {
        Picture photo = Golden.picture("photo.png");
        double[] map = Curves.map(WINDOW);
        Picture made = Curves.apply(photo, curves(), masks(), map, map, 1f);
        int differ = Golden.assertNear(Golden.picture("curved.png"), made, 1);
        assertTrue(differ + " values", differ < 0.1 * 3 * photo.argb.length);
        Picture turned = Curves.apply(photo, curves(), masks(), TURNED, map, 0.7f);
        differ = Golden.assertNear(Golden.picture("curved_turned.png"), turned, 1);
        assertTrue(differ + " values", differ < 0.1 * 3 * photo.argb.length);
        int changed = 0;
        for (int i = 0; i < photo.argb.length; i++) {
            int x = i % photo.width;
            int y = i / photo.width;
            changed += photo.argb[i] == made.argb[i] ? 0 : 1;
            boolean within = x >= 12 && x < 122 && y >= 31 && y < 132;
            assertTrue("pixel " + x + "," + y, within || photo.argb[i] == made.argb[i]);
        }
        assertTrue(changed + " pixels", changed > 2000);
    }

    @Test
    public void nothingToChangeLeavesEveryBit() throws Exception {
        Picture photo = Golden.picture("photo.png");
        double[] map = Curves.map(WINDOW);
        Planes none = new Planes(SIDE, SIDE, 64);
        assertArrayEquals(photo.argb, Curves.apply(photo, none, masks(), map, map, 1f).argb);
        assertArrayEquals(photo.argb, Curves.apply(photo, curves(), masks(), map, map, 0f).argb);
        Planes faint = new Planes(4, 4, 2);
        Arrays.fill(faint.values, 0.019f);
        assertArrayEquals(photo.argb, Curves.apply(photo, curves(), faint, map, map, 1f).argb);
    }

    /** A line worked out by hand: luminance 1/2 lies half way between the bins 3 and 4. */
    @Test
    public void looksUpTheLuminanceOfThePixel() {
        int[] greys = {0xff000000, 0xff101010, 0xff808080, 0xffffffff};
        Planes curves = new Planes(1, 1, 32);
        for (int k = 0; k < 8; k++) {
            curves.values[4 * k] = k / 10f;
        }
        Planes all = new Planes(1, 1, 1, new float[] {1f});
        double[] map = Curves.map(new Window(0, 0, 4, 1));
        Picture made = Curves.apply(new Picture(4, 1, greys), curves, all, map, map, -1f);
        // 8 * 128 / 255 - 1/2 = 3.516 bins of 0.1 * 127.5; below 1/16 the first bin, whose change is 0, holds.
        int[] expected = {0xff000000, 0xff101010, 0xff538080, 0xffa6ffff};
        assertArrayEquals(expected, made.argb);
    }

    @Test
    public void aGroupThatWasDrawnStaysAndTheOthersShareTheRest() throws Exception {
        Planes own = Golden.mask("own_masks.png");
        Planes given = Golden.mask("given_mask.png");
        Planes expected = Golden.mask("shared_masks.png");
        int n = given.values.length;
        for (int i = 0; i < n; i++) {
            float before = own.values[n + i];
            float target = given.values[i];
            // One place, one dot: a soft brush's middle covers it by exactly the share that was asked for.
            Planes masks = new Planes(1, 1, 3, new float[] {own.values[i], before, own.values[2 * n + i]});
            boolean erase = target < before;
            float cover = erase ? 1 - target / before : (target - before) / (1 - before);
            MaskEdits edits = new MaskEdits();
            edits.add(new Stroke(1, erase, 1f, 0f, new float[] {0.5f + 1f - cover, 0.5f}));
            float[] after = edits.drawnOn(masks).values;
            for (int g = 0; g < 3; g++) {
                assertEquals("place " + i + ", group " + g, expected.values[g * n + i], after[g], 0.5f / 255 + 1e-5f);
            }
        }
    }

    @Test
    public void whatIsNotDrawnOnKeepsEveryBit() {
        Planes masks = new Planes(10, 1, 2);
        for (int i = 0; i < 10; i++) {
            masks.values[2 * i] = i / 17f;
            masks.values[2 * i + 1] = (9 - i) / 23f;
        }
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, false, 0.1f, 1f, new float[] {0f, 0.5f}));
        float[] after = edits.drawnOn(masks).values;
        assertEquals(1f, after[0], 0f);
        assertEquals(0f, after[1], 0f);
        assertArrayEquals(Arrays.copyOfRange(masks.values, 4, 20), Arrays.copyOfRange(after, 4, 20), 0f);
    }

    /** Luminances of the three pixels: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2, and likewise. */
    @Test
    public void withoutSaturationAPixelIsGrey() {
        Planes curves = new Planes(1, 1, 32);
        for (int k = 0; k < 8; k++) {
            curves.values[4 * k + 3] = -1f;
        }
        Picture photo = new Picture(3, 1, new int[] {0xffc86432, 0xff0000ff, 0xff808080});
        Planes all = new Planes(1, 1, 1, new float[] {1f});
        double[] map = Curves.map(new Window(0, 0, 3, 1));
        Picture made = Curves.apply(photo, curves, all, map, map, 1f);
        assertArrayEquals(new int[] {0xff7c7c7c, 0xff1d1d1d, 0xff808080}, made.argb);
        made = Curves.apply(photo, curves, all, map, map, 0.5f); // half way: 200 to 162.1, 100 to 112.1, 50 to 87.1
        assertEquals(0xffa27057, made.argb[0]);
    }

    @Test(expected = IllegalArgumentException.class)
    public void everyMaskNeedsItsCurves() {
        double[] map = Curves.map(new Window(0, 0, 1, 1));
        Curves.apply(new Picture(1, 1, new int[1]), new Planes(1, 1, 32), new Planes(1, 1, 2), map, map, 1f);
    }
}
