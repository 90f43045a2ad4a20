package lomit.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** Preprocessing and carry-back against TensorFlow's and OpenCV's results. */
public final class PicturesTest {
    @Test
    public void shrinksAsTensorFlow() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = Window.centred(photo.width, photo.height);
        assertEquals(14, window.top);
        Picture expected = Golden.picture("square_64.png");
        int differ = Golden.assertNear(expected, Preprocess.resize(photo, window, 64), 1);
        assertTrue(differ + " values differ", differ < 64 * 64 * 3 / 200);
    }

    @Test
    public void enlargesAsTensorFlow() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Picture made = Preprocess.resize(photo, Window.centred(photo.width, photo.height), 200);
        int differ = Golden.assertNear(Golden.picture("square_200.png"), made, 1);
        assertTrue(differ + " values differ", differ < 200 * 200 * 3 / 200);
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
    public void carriesTheChangeBackAsOpenCv() throws Exception {
        Picture photo = Golden.picture("photo.png");
        Window window = new Window(12, 31, 110, 101);
        Picture small = Preprocess.resize(photo, window, 64);
        Golden.assertNear(Golden.picture("seen.png"), small, 1);
        Planes seen = Preprocess.toModelRange(small);
        Planes change = CarryBack.change(Preprocess.toModelRange(Golden.picture("painted.png")), seen);
        Picture made = CarryBack.add(photo, window, change, Golden.mask("mask.png"), 1f);
        Golden.assertNear(Golden.picture("carried.png"), made, 1);
        assertTrue(!java.util.Arrays.equals(photo.argb, made.argb));
        assertEquals(photo.argb[0], made.argb[0]);
        Picture none = CarryBack.add(photo, window, change, Golden.mask("mask.png"), 0f);
        assertArrayEquals(photo.argb, none.argb);
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
        assertArrayEquals(new float[] {0.5f, 0.25f}, CarryBack.share(masks, first).values, 1e-6f);
        assertArrayEquals(new float[] {1f, 0.75f}, CarryBack.share(masks, new boolean[] {true, true}).values, 1e-6f);
    }
}
