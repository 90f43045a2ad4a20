package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Light of faces, against lomit_tf/imaging/light.py (golden_regions.py), and what a translation makes of it. */
public final class LightTest {
    private static final int SIZE = TranslatorTest.SIZE;

    private static float[] floats(double[] numbers) {
        float[] made = new float[numbers.length];
        for (int i = 0; i < made.length; i++) {
            made[i] = (float) numbers[i];
        }
        return made;
    }

    private static float luminance(float[] values, int at) {
        return 0.299f * (values[at] + 1) / 2 + 0.587f * (values[at + 1] + 1) / 2 + 0.114f * (values[at + 2] + 1) / 2;
    }

    @Test
    public void lightAndWhatItChangesAreThoseOfPython() throws Exception {
        List<double[]> rows = Golden.numbers("light.txt");
        float[] own = Light.ofFace(Preprocess.toModelRange(Golden.picture("competing.png")));
        assertArrayEquals(floats(rows.get(0)), own, 1e-5f);
        Planes patch = Preprocess.toModelRange(Golden.picture("patch.png"));
        Planes made = Light.changed(patch, own, floats(rows.get(1)));
        assertEquals(rows.size() - 2, made.width * made.height);
        for (int i = 0; i < rows.size() - 2; i++) {
            float[] pixel = Arrays.copyOfRange(made.values, 3 * i, 3 * i + 3);
            assertArrayEquals("pixel " + i, floats(rows.get(i + 2)), pixel, 1e-5f);
        }
    }

    @Test
    public void theLightIsTheMedianOfTheSkinAtLuminance1() {
        for (int size : new int[] {SIZE, SIZE + 1}) { // the ellipse has an even or an odd count of pixels
            Planes face = new Planes(size, size, 3);
            for (int i = 0; i < face.values.length; i++) {
                face.values[i] = new float[] {0.6f, 0.2f, 0f}[i % 3];
            }
            float[] light = Light.ofFace(face);
            float luminance = 0.299f * 0.82f + 0.587f * 0.62f + 0.114f * 0.52f;
            assertArrayEquals(new float[] {0.82f / luminance, 0.62f / luminance, 0.52f / luminance}, light, 1e-5f);
            int middle = 3 * (57 * size / 100 * size + size / 2);
            Arrays.fill(face.values, middle - 9, middle + 9, -1f);
            assertArrayEquals("a few pixels do not count", light, Light.ofFace(face), 1e-6f);
        }
    }

    @Test
    public void paintAndGreySayNothingOfTheLight() throws Exception {
        Planes face = Preprocess.toModelRange(Golden.picture("competing.png"));
        float[] own = Light.ofFace(face);
        for (float[] unknown : new float[][] {{1f, 1f, 1f}, {1.5f, 0.6f, 0.95f}, {0.8f, 0.9f, 1.6f}}) {
            assertEquals(0, Light.known(unknown), 0);
            assertSame(face, Light.changed(face, own, unknown));
            assertSame(face, Light.changed(face, unknown, own));
        }
        assertEquals(1, Light.known(own), 0);
        assertEquals("half the warmth, half the pink", 0.25, Light.known(new float[] {1.14f, 0.9f, 1f}), 1e-6);
    }

    @Test
    public void theSameLightChangesNothingAndColouredLightAPartAlone() throws Exception {
        Planes face = Preprocess.toModelRange(Golden.picture("competing.png"));
        assertSame(face, Light.changed(face, Light.ofFace(face), Light.ofFace(face)));
        float[] plain = {1.2f, 0.96f, 0.7f};
        float[] red = {2.6f, 0.2f, 0.2f};
        Planes grey = new Planes(1, 1, 3);
        float[] made = Light.changed(grey, plain, red).values;
        assertEquals(Math.pow(Light.FURTHEST, 2 * Light.SHARE), (made[0] + 1) / (made[1] + 1), 0.02); // of levels
        assertEquals("its luminance stays", 0.5f, luminance(made, 0), 0.5f / 255 + 1e-5f);
        Planes ends = new Planes(2, 1, 3, new float[] {1f, 1f, 1f, -1f, -1f, -1f});
        for (float value : Light.changed(ends, plain, red).values) {
            assertTrue("" + value, value >= -1 && value <= 1);
        }
    }

    /** A model of hair, which competes, and a smile; what its generator sees of exemplars is kept, once a pass. */
    private static Translator translator(String competing, final List<float[]> seen) throws Exception {
        Network masks = new TranslatorTest.Arithmetic(
                Arrays.asList(TranslatorTest.tensor("masks", 2)), TranslatorTest.tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] made = new float[SIZE * SIZE * 2];
                for (int i = 0; i < made.length; i++) {
                    made[i] = i % 2 == 1 ? 0.3f : i / 2 % SIZE < SIZE / 2 ? 1f : 0f;
                }
                return made;
            }
        };
        Network generator = new TranslatorTest.Arithmetic(
                Arrays.asList(TranslatorTest.tensor("raw", 3), new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32)),
                TranslatorTest.tensor("image", 3), TranslatorTest.tensor("exemplar", 3),
                TranslatorTest.tensor("image_masks", 2), TranslatorTest.tensor("exemplar_masks", 2),
                new Network.Tensor("transfer", 1, 2), new Network.Tensor("colours", 1, 1, ColourStyle.MOMENTS)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                if (output.equals("raw")) {
                    return feed.get("image").clone();
                }
                seen.add(feed.get("exemplar"));
                return new float[SIZE / 8 * SIZE / 8 * 32];
            }
        };
        return new Translator(masks, generator, "hair\nsmile", "hair", "", "smile", competing, "",
                CompetingMasksTest.layouts());
    }

    private static ModelView view(Translator translator, Picture picture, Framing.Note note) throws Exception {
        return translator.view(picture, new Framing.Frame(Window.centred(picture.width, picture.height), note));
    }

    /** Both passes of a translation with a smile see the exemplar in the photograph's light, if both show a face. */
    @Test
    public void anExemplarIsSeenInTheLightOfThePhotograph() throws Exception {
        Picture photo = Golden.picture("competing.png");
        int[] argb = photo.argb.clone();
        for (int i = 0; i < argb.length; i++) {
            argb[i] = argb[i] & 0xffffff00 | (argb[i] & 255) * 2 / 3; // a warm lamp
        }
        Picture warm = new Picture(photo.width, photo.height, argb);
        Framing.Note[] notes = {Framing.Note.FACE, Framing.Note.SEVERAL_FACES, Framing.Note.NO_FACE};
        for (String competing : new String[] {"hair", ""}) {
            for (Framing.Note one : notes) {
                for (Framing.Note other : notes) {
                    List<float[]> seen = new ArrayList<float[]>();
                    Translator translator = translator(competing, seen);
                    ModelView input = view(translator, photo, one);
                    ModelView exemplar = view(translator, warm, other);
                    translator.translate(photo, input, new MaskEdits(), Exemplar.of(exemplar, new MaskEdits()));
                    float[] own = exemplar.pixels.values.clone();
                    float[] changed = Light.changed(
                            exemplar.pixels, Light.ofFace(exemplar.pixels), Light.ofFace(input.pixels)).values;
                    assertTrue("the lights differ", !Arrays.equals(own, changed));
                    boolean faces = one != Framing.Note.NO_FACE && other != Framing.Note.NO_FACE;
                    boolean known = faces && !competing.isEmpty();
                    assertEquals("passes", 2, seen.size());
                    for (float[] picture : seen) {
                        assertArrayEquals(competing + ", " + one + ", " + other, known ? changed : own, picture, 0f);
                    }
                    assertArrayEquals("the view stays as it was", own, exemplar.pixels.values, 0f);
                }
            }
        }
    }

    @Test
    public void aColourHasNoLight() throws Exception {
        List<float[]> seen = new ArrayList<float[]>();
        Translator translator = translator("hair", seen);
        Picture photo = Golden.picture("competing.png");
        ModelView input = view(translator, photo, Framing.Note.FACE);
        translator.translate(photo, input, new MaskEdits(), Exemplar.of(new ColourStyle(0x2b6fd6, "hair")));
        assertEquals(1, seen.size());
        assertArrayEquals(new float[3 * SIZE * SIZE], seen.get(0), 0f);
    }
}
