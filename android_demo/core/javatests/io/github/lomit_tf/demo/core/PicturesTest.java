package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** Preprocessing and paste-back against TensorFlow's and OpenCV's results. */
public final class PicturesTest {
    @Test
    public void shrinksAsTensorFlow() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = Window.centred(photo.width, photo.height);
        assertEquals(14, window.top);
        Golden.assertNear(Golden.picture("square_64.png"), Preprocess.resize(photo, window, 64), 0);
    }

    @Test
    public void enlargesAsTensorFlow() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Picture made = Preprocess.resize(photo, Window.centred(photo.width, photo.height), 200);
        Golden.assertNear(Golden.picture("square_200.png"), made, 0);
    }

    @Test
    public void theModelsRangeAndBack() {
        int[] levels = new int[256];
        for (int i = 0; i < 256; i++) {
            levels[i] = 0xff000000 | i << 16 | (255 - i) << 8 | i;
        }
        Planes range = Preprocess.toModelRange(new Picture(16, 16, levels));
        assertEquals(-1f, range.values[0], 0f);
        assertEquals(1f, range.values[1], 0f);
        assertArrayEquals(levels, Preprocess.fromModelRange(range).argb);
        Planes beyond = new Planes(1, 1, 3, new float[] {-1.5f, 0.25f, 2f});
        assertEquals(0xff009fff, Preprocess.fromModelRange(beyond).argb[0]);
    }

    @Test
    public void pastesTheChangeBackAsOpenCv() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = new Window(12, 31, 110, 101);
        Picture small = Preprocess.resize(photo, window, 64);
        Golden.assertNear(Golden.picture("view.png"), small, 1);
        Planes view = Preprocess.toModelRange(small);
        Planes change = PasteBack.change(Preprocess.toModelRange(Golden.picture("painted.png")), view);
        Picture made = PasteBack.add(photo, window, change, Golden.mask("mask.png"), 1f);
        Golden.assertNear(Golden.picture("pasted.png"), made, 1);
        assertEquals(photo.argb[0], made.argb[0]);
        int changed = 0;
        for (int i = 0; i < photo.argb.length; i++) {
            changed += photo.argb[i] == made.argb[i] ? 0 : 1;
        }
        assertTrue(changed + " pixels", changed > 1000);
        Picture none = PasteBack.add(photo, window, change, Golden.mask("mask.png"), 0f);
        assertArrayEquals(photo.argb, none.argb);
    }

    @Test
    public void aWindowMayReachBeyondThePicture() throws Exception {
        Picture photo = Golden.picture("large.png");
        Window window = new Window(30, -47, 296, 296);
        Picture small = Preprocess.resize(photo, window, 64);
        Golden.assertNear(Golden.picture("view_beyond.png"), small, 1);
        Planes change = PasteBack.change(Preprocess.toModelRange(Golden.picture("painted.png")),
                Preprocess.toModelRange(Golden.picture("view_beyond.png")));
        Picture made = PasteBack.add(photo, window, change, Golden.mask("mask.png"), 1f);
        Golden.assertNear(Golden.picture("pasted_beyond.png"), made, 1);
    }

    /** In an upright and in a turned window, by a change that has colours. */
    @Test
    public void aGreyPictureStaysGrey() throws Exception {
        Picture photo = Golden.picture("large.png");
        int[] grey = new int[photo.argb.length];
        for (int i = 0; i < grey.length; i++) {
            grey[i] = 0xff000000 | 0x010101 * (photo.argb[i] >> 8 & 255);
        }
        Picture without = new Picture(photo.width, photo.height, grey);
        Planes change = PasteBack.change(Preprocess.toModelRange(Golden.picture("painted.png")),
                Preprocess.toModelRange(Golden.picture("view_turned.png")));
        Planes mask = Golden.mask("mask.png");
        for (double angle : new double[] {0, 25}) {
            Window window = new Window(40, 30, 200, 200, angle);
            Picture made = PasteBack.add(without, window, change, mask, 1f, null, without.isMonochrome(window));
            int changed = 0;
            for (int i = 0; i < grey.length; i++) {
                assertEquals(0xff000000 | 0x010101 * (made.argb[i] & 255), made.argb[i]);
                changed += grey[i] == made.argb[i] ? 0 : 1;
            }
            assertTrue(changed + " pixels", changed > 1000);
            assertTrue(!photo.isMonochrome(window));
            assertTrue(!PasteBack.add(without, window, change, mask, 1f).isMonochrome(window));
        }
    }

    /**
     * core/BUILD gives the tests' JVM 288 MB; the picture and the result are 48 MB each, the arrays for them 96 MB, the
     * pixels that move 18 MB.
     */
    @Test
    public void twelveMegapixelsInBoundedMemory() {
        int width = 4000;
        int height = 3000;
        int[] argb = new int[width * height];
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xff000000 | (i % width / 16 & 255) << 16 | (i / width / 12 & 255) << 8 | (i * 7919 >> 5 & 63);
        }
        Picture photo = new Picture(width, height, argb);
        Planes change = new Planes(128, 128, 3);
        Planes weights = new Planes(128, 128, 1);
        for (int i = 0; i < weights.values.length; i++) {
            weights.values[i] = i / 128 < 90 ? 1f : 0f;
            change.values[3 * i] = 0.25f;
        }
        Planes by = new Planes(128, 128, 2); // of half of the sides, as that of a smile
        for (int i = 0; i < 128 * 128; i++) {
            by.values[2 * i] = i / 128 >= 64 && i % 128 >= 64 ? 2f : 0f;
        }
        Window window = Window.centred(width, height);
        long start = System.nanoTime();
        Picture made = PasteBack.add(photo, window, change, weights, 1f, Moving.of(photo, window, by, 1f));
        System.out.println("12 megapixels: " + (System.nanoTime() - start) / 1000000 + " ms");
        int moved = 1800 * width + 2500; // two pixels of the model are 46.875
        assertEquals(argb[moved + 47] >> 8 & 255, made.argb[moved] >> 8 & 255, 1);
        assertEquals((argb[moved + 47] >> 16 & 255) + 64, made.argb[moved] >> 16 & 255, 1);
        int within = 1000 * width + 2000;
        assertEquals("a constant change stays constant", (argb[within] >> 16 & 255) + 64, made.argb[within] >> 16 & 255);
        assertEquals(argb[within] & 0xffff, made.argb[within] & 0xffff);
        assertEquals(argb[2900 * width + 2000], made.argb[2900 * width + 2000]);
        assertEquals(argb[1000 * width + 300], made.argb[1000 * width + 300]);
    }

    /** A turned window: what it shows, and the change pasted back, as OpenCV's warpAffine samples both. */
    @Test
    public void aTurnedWindowIsOpenCvs() throws Exception {
        Picture photo = Golden.picture("large.png");
        Window window = new Window(40, 30, 200, 200, 25);
        Golden.assertNear(Golden.picture("view_turned.png"), Preprocess.resize(photo, window, 64), 1);
        Planes change = PasteBack.change(Preprocess.toModelRange(Golden.picture("painted.png")),
                Preprocess.toModelRange(Golden.picture("view_turned.png")));
        Picture made = PasteBack.add(photo, window, change, Golden.mask("mask.png"), 1f);
        int differ = Golden.assertNear(Golden.picture("pasted_turned.png"), made, 1);
        assertTrue(differ + " values", differ < made.argb.length / 100);
        assertEquals(photo.argb[0], made.argb[0]);
    }

    @Test
    public void averagesWhereItShrinks() {
        Planes four = new Planes(4, 2, 1, new float[] {0, 1, 2, 3, 4, 5, 6, 7});
        assertArrayEquals(new float[] {2.5f, 4.5f}, four.resized(2, 1).values, 1e-6f);
        Planes two = new Planes(2, 1, 1, new float[] {0, 1});
        assertArrayEquals(new float[] {0f, 0.25f, 0.75f, 1f}, two.resized(4, 1).values, 1e-6f);
    }

    @Test
    public void groupsThatOverlapShareThePlace() {
        Planes masks = new Planes(2, 1, 2, new float[] {1f, 1f, 0.25f, 0.5f});
        boolean[] first = {true, false};
        assertArrayEquals(new float[] {0.5f, 0.25f}, PasteBack.share(masks, first).values, 1e-6f);
        assertArrayEquals(new float[] {1f, 0.75f}, PasteBack.share(masks, new boolean[] {true, true}).values, 1e-6f);
    }
}
