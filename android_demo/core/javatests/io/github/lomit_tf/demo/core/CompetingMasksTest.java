package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.BufferedInputStream;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Hair that competes for its pixels, against lomit_tf/imaging/competing.py (tools/android/golden_regions.py). */
public final class CompetingMasksTest {
    private static final boolean[] HAIR = {true, false, false};
    private static final boolean[] SMILE = {false, false, true};
    private static final float LEVEL = 0.501f / 255; // what rounding to a picture's levels takes

    static Layouts layouts() throws IOException {
        File assets = new File(System.getProperty("lomit.testdata"), "../../assets");
        try (InputStream stream = new BufferedInputStream(new FileInputStream(new File(assets, "layouts.bin")))) {
            return Layouts.read(stream);
        }
    }

    /** Planes below each other in a grey picture, as channels. */
    private static Planes planes(String name, int channels) throws IOException {
        Planes stacked = Golden.mask(name);
        Planes made = new Planes(stacked.width, stacked.height / channels, channels);
        int count = made.width * made.height;
        for (int i = 0; i < made.values.length; i++) {
            made.values[i] = stacked.values[i % channels * count + i / channels];
        }
        return made;
    }

    private static void assertNear(String what, Planes expected, Planes made, double tolerance) {
        double most = 0;
        for (int i = 0; i < expected.values.length; i++) {
            most = Math.max(most, Math.abs(expected.values[i] - made.values[i]));
        }
        System.out.println(what + ": at most " + most);
        assertEquals(expected.values.length, made.values.length);
        assertTrue(what + " differs by " + most, most < tolerance);
    }

    @Test
    public void coloursAndTheGuidedFilterAreThoseOfOpenCv() throws Exception {
        Picture patch = Golden.picture("patch.png");
        List<double[]> rows = Golden.numbers("patch.txt");
        Planes expected = new Planes(patch.width, patch.height, RegionColours.VALUES);
        Planes filtered = new Planes(patch.width, patch.height, 1);
        Planes red = new Planes(patch.width, patch.height, 1);
        for (int i = 0; i < rows.size(); i++) {
            for (int k = 0; k < expected.channels; k++) {
                expected.values[expected.channels * i + k] = (float) rows.get(i)[k];
            }
            filtered.values[i] = (float) rows.get(i)[expected.channels];
            red.values[i] = (patch.argb[i] >> 16 & 255) / 255f;
        }
        Planes values = RegionColours.of(patch);
        assertNear("colours", expected, values, 2e-3);
        assertNear("guided filter", filtered, Regions.guided(values, red, 3, 0.1f), 2e-4);
    }

    /** A grey of lightness 50.03; OpenCV's table is off by up to a third. */
    @Test
    public void evenGreyHasLightnessAlone() throws Exception {
        int[] argb = new int[20 * 20];
        Arrays.fill(argb, 0xff777777);
        Planes values = RegionColours.of(new Picture(20, 20, argb));
        assertEquals(50.03 / 25, values.values[0], 0.3 / 25);
        for (int k = 1; k < RegionColours.VALUES; k++) {
            assertEquals(0, values.values[k], 0.02);
        }
    }

    @Test
    public void regionsAndTheirLayoutAreThoseOfPython() throws Exception {
        Picture face = Golden.picture("competing.png");
        Planes mask = planes("competing_masks.png", 3).channel(0).resized(Layouts.SIZE, Layouts.SIZE);
        Picture small = Rows.averagedPicture(
                Rows.of(face, new Window(0, 0, face.width, face.height)), Layouts.SIZE, Layouts.SIZE);
        Layouts layouts = layouts();
        Planes regions = Regions.responsibilities(RegionColours.of(small), Regions.prior(mask, layouts.mean), 4);
        assertNear("regions", planes("competing_regions.png", Regions.COUNT), regions, LEVEL + 1e-4);
        assertNear("layout", planes("competing_layout.png", Regions.COUNT), layouts.nearest(regions), LEVEL + 1e-4);
        for (int i = 0; i < regions.values.length; i += Regions.COUNT) {
            float sum = 0f;
            for (int k = 0; k < Regions.COUNT; k++) {
                sum += regions.values[i + k];
            }
            assertEquals(1f, sum, 1e-5f);
        }
    }

    @Test
    public void hairTakesWhatIsItsOwnAsInPython() throws Exception {
        Planes pixels = Preprocess.toModelRange(Golden.picture("competing.png"));
        Planes masks = planes("competing_masks.png", 3);
        Planes before = planes("competing_masks.png", 3);
        Layouts layouts = layouts();
        CompetingMasks.compete(masks, pixels, HAIR, SMILE, layouts);
        assertNear("masks", planes("competing_made.png", 3), masks, LEVEL + 1e-4);
        assertArrayEquals("a smile is apart", before.channel(2).values, masks.channel(2).values, 0f);
        double moved = 0;
        for (int i = 0; i < masks.values.length; i += 3) {
            moved += Math.abs(masks.values[i] - before.values[i]) / (masks.width * masks.height);
        }
        assertTrue("the colours say something: " + moved, moved > 0.02);
        ThreadMXBean clock = ManagementFactory.getThreadMXBean();
        double[] times = new double[30];
        for (int n = 0; n < times.length; n++) {
            Planes again = planes("competing_masks.png", 3);
            long start = clock.getCurrentThreadCpuTime();
            CompetingMasks.compete(again, pixels, HAIR, SMILE, layouts);
            times[n] = (clock.getCurrentThreadCpuTime() - start) / 1e6;
            assertArrayEquals(masks.values, again.values, 0f);
        }
        Arrays.sort(times);
        System.out.println("a face of 128 x 128: " + times[0] + " ms at least, in the median " + times[times.length / 2]);
    }

    @Test
    public void nothingChangesWhereNoGroupCompetesOrIsThere() throws Exception {
        Planes pixels = Preprocess.toModelRange(Golden.picture("competing.png"));
        Planes masks = planes("competing_masks.png", 3);
        Planes before = planes("competing_masks.png", 3);
        CompetingMasks.compete(masks, pixels, new boolean[3], SMILE, null);
        assertArrayEquals(before.values, masks.values, 0f);
        for (int i = 0; i < masks.values.length; i += 3) {
            masks.values[i] = Math.min(0.5f, masks.values[i]);
            before.values[i] = masks.values[i];
        }
        CompetingMasks.compete(masks, pixels, HAIR, SMILE, layouts());
        assertArrayEquals("a faint mask is of no region", before.values, masks.values, 0f);
    }

    /** A mask net that marks the left half, whatever it sees. */
    private static Translator translator(String competing, Layouts layouts) throws DemoException {
        final int size = TranslatorTest.SIZE;
        Network masks = new TranslatorTest.Arithmetic(
                Collections.singletonList(TranslatorTest.tensor("masks", 1)), TranslatorTest.tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] made = new float[size * size];
                for (int i = 0; i < made.length; i++) {
                    made[i] = i % size < size / 2 ? 1f : 0f;
                }
                return made;
            }
        };
        Network generator = new TranslatorTest.Arithmetic(
                Collections.singletonList(new Network.Tensor("curves", 1, size / 8, size / 8, 32)),
                TranslatorTest.tensor("image", 3), TranslatorTest.tensor("exemplar", 3),
                TranslatorTest.tensor("image_masks", 1), TranslatorTest.tensor("exemplar_masks", 1)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                return new float[size / 8 * size / 8 * 32];
            }
        };
        return new Translator(masks, generator, "hair", "hair", "hair", "", competing, "", layouts);
    }

    @Test
    public void aViewsMasksCompeteAndThenAreOneRegion() throws Exception {
        Picture face = Golden.picture("competing.png");
        Framing.Frame frame = new Framing.Frame(Window.centred(face.width, face.height), Framing.Note.FACE);
        ModelView without = translator("", null).view(face, frame);
        Planes expected = new Planes(without.masks.width, without.masks.height, 1, without.masks.values.clone());
        CompetingMasks.compete(expected, without.pixels, new boolean[] {true}, new boolean[1], layouts());
        float[] competed = expected.values.clone();
        ConnectedMasks.keep(expected, 0);
        assertTrue("some part is left out", !Arrays.equals(competed, expected.values));
        Planes made = translator("hair", layouts()).view(face, frame).masks;
        assertArrayEquals(expected.values, made.values, 0f);
        assertTrue("the colours are looked at", !Arrays.equals(without.masks.values, made.values));
        Framing.Frame centre = new Framing.Frame(frame.window, Framing.Note.NO_FACE);
        assertArrayEquals("no face was framed", without.masks.values, translator("hair", layouts()).view(face, centre).masks.values, 0f);
    }

    @Test
    public void aModelThatCannotCompeteIsRefused() throws Exception {
        for (String competing : new String[] {"hair", "hat"}) {
            try {
                translator(competing, "hair".equals(competing) ? null : layouts());
                fail();
            } catch (DemoException e) {
                assertEquals(DemoException.Kind.MODEL_UNUSABLE, e.kind);
                assertTrue(e.getMessage(), e.getMessage().contains(competing.equals("hair") ? "layouts" : "competing group hat"));
            }
        }
    }

    @Test
    public void whatIsNoLayoutsIsRefused() throws Exception {
        for (byte[] bytes : new byte[][] {{0, 0, 0, 0, 0, 0, 0, 32}, {0, 0, 0, 1, 0, 0, 0, 1, 9, 9}, {'P', 'N', 'G', 0, 1, 1, 1, 1}}) {
            try {
                Layouts.read(new ByteArrayInputStream(bytes));
                fail();
            } catch (IOException e) {
                assertTrue(e.toString(), e instanceof java.io.EOFException || e.getMessage().contains("no layouts"));
            }
        }
    }
}
