package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** The order of a translation, with networks of plain arithmetic in the place of the TFLite files. */
public final class TranslatorTest {
    static final int SIZE = 64;

    abstract static class Arithmetic extends TensorNetwork {
        int runs;

        Arithmetic(List<Tensor> outputs, Tensor... inputs) {
            this.outputs.addAll(outputs);
            this.inputs.addAll(Arrays.asList(inputs));
        }

        @Override
        public Map<String, float[]> run(Map<String, float[]> feed) {
            runs++;
            assertEquals(inputs.size(), feed.size());
            Map<String, float[]> out = new HashMap<String, float[]>();
            for (Tensor output : outputs) {
                out.put(output.name, compute(output.name, feed));
            }
            return out;
        }

        abstract float[] compute(String output, Map<String, float[]> feed);
    }

    static Network.Tensor tensor(String name, int channels) {
        return new Network.Tensor(name, 1, SIZE, SIZE, channels);
    }

    /** Marks the left half. */
    private static Arithmetic maskNet() {
        return new Arithmetic(Collections.singletonList(tensor("masks", 1)), tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] masks = new float[SIZE * SIZE];
                for (int i = 0; i < masks.length; i++) {
                    masks[i] = i % SIZE < SIZE / 2 ? 1f : 0f;
                }
                return masks;
            }
        };
    }

    /** A group that is what is white, and one that is everywhere. */
    static Arithmetic white() {
        return new Arithmetic(Collections.singletonList(tensor("masks", 2)), tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] made = new float[SIZE * SIZE * 2];
                for (int i = 0; i < SIZE * SIZE; i++) {
                    made[2 * i] = feed.get("image")[3 * i] > 0.9f ? 1f : 0f;
                    made[2 * i + 1] = 1f;
                }
                return made;
            }
        };
    }

    /** Two groups that share every pixel. */
    private static Arithmetic halves() {
        return new Arithmetic(Collections.singletonList(tensor("masks", 2)), tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] masks = new float[SIZE * SIZE * 2];
                Arrays.fill(masks, 0.5f);
                return masks;
            }
        };
    }

    /** Paints the exemplar; its composite, which nothing may use, is black. */
    private static Arithmetic generator(String name, Network.Tensor... outputs) {
        List<Network.Tensor> made = new ArrayList<Network.Tensor>(Arrays.asList(outputs));
        made.add(tensor("translation", 3));
        return new Arithmetic(made, tensor("exemplar_masks", 1), tensor("exemplar", 3), tensor("image_masks", 1),
                tensor(name, 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] black = new float[SIZE * SIZE * 3];
                Arrays.fill(black, -1f);
                return output.equals("raw") ? feed.get("exemplar").clone() : black;
            }
        };
    }

    private static Arithmetic painter() {
        return generator("image", tensor("raw", 3));
    }

    static Picture plain(int width, int height, int argb) {
        int[] pixels = new int[width * height];
        Arrays.fill(pixels, argb);
        return new Picture(width, height, pixels);
    }

    @Test
    public void changesOnlyWhatIsMarked() throws Exception {
        Arithmetic maskNet = maskNet();
        Translator translator = new Translator(maskNet, painter(), "hair\n", "", "", "");
        assertEquals(SIZE, translator.model.size);
        assertEquals(Collections.singletonList("hair"), translator.model.groups);
        Picture photo = plain(256, 256, 0xff204060);
        Picture star = plain(100, 80, 0xffc08010);
        Framing centre = new Framing(false, 1);
        ModelView input = translator.view(photo, centre.frame(photo, null));
        ModelView exemplar = translator.view(star, centre.frame(star, null));
        Picture made =
                translator.translate(photo, input, new MaskEdits(), Exemplar.of(exemplar, new MaskEdits()));
        assertEquals(0xffc08010, made.argb[256 * 100 + 20]);
        assertEquals(0xff204060, made.argb[256 * 100 + 230]);
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, true, 2f, 1f, new float[] {0.5f, 0.5f}));
        Exemplar given = Exemplar.of(exemplar, new MaskEdits());
        assertArrayEquals(photo.argb, translator.translate(photo, input, edits, given).argb);
        boolean[] none = {false};
        MaskEdits no = new MaskEdits();
        assertArrayEquals(photo.argb, translator.translate(photo, input, no, Exemplar.of(exemplar, no), none).argb);
        assertArrayEquals("nothing of an exemplar whose mask is erased", photo.argb,
                translator.translate(photo, input, no, Exemplar.of(exemplar, edits)).argb);
        assertEquals("once a picture, not once a translation", 2, maskNet.runs);
    }

    /** A mask of two parts: the smaller one is left out where the group is a connected one, but what is painted stays. */
    @Test
    public void aConnectedGroupKeepsItsLargestPart() throws Exception {
        Network parts = new Arithmetic(Collections.singletonList(tensor("masks", 1)), tensor("image", 3)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] masks = new float[SIZE * SIZE];
                for (int i = 0; i < masks.length; i++) {
                    masks[i] = i % SIZE < SIZE / 2 || i % SIZE >= 3 * SIZE / 4 ? 1f : 0f;
                }
                return masks;
            }
        };
        Picture photo = plain(SIZE, SIZE, 0xff204060);
        Framing.Frame frame = new Framing(false, 1).frame(photo, null);
        int right = SIZE * SIZE / 2 + SIZE - 2;
        ModelView all = new Translator(parts, painter(), "hair", "", "", "").view(photo, frame);
        assertEquals(1f, all.masks.values[right], 0f);
        Translator translator = new Translator(parts, painter(), "hair", "", "hair", "");
        ModelView view = translator.view(photo, frame);
        assertEquals(0f, view.masks.values[right], 0f);
        assertArrayEquals(maskNet().compute("masks", null), view.masks.values, 0f);
        MaskEdits painted = new MaskEdits();
        painted.add(new Stroke(0, false, 0.1f, 1f, new float[] {0.95f, 0.5f}));
        Exemplar given = Exemplar.of(translator.view(plain(SIZE, SIZE, 0xffc08010), frame), new MaskEdits());
        assertEquals(0xff204060, translator.translate(photo, view, new MaskEdits(), given).argb[right]);
        assertEquals(0xffc08010, translator.translate(photo, view, painted, given).argb[right]);
    }

    /** Two groups, a free one above and a colour below, in soft masks; each gives half of white to what it paints. */
    @Test
    public void paintsFreelyFirstAndThenByCurves() throws Exception {
        Network masks = halves();
        List<Network.Tensor> outputs = Arrays.asList(tensor("raw", 3), tensor("translation", 3),
                new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32));
        Network generator = new Arithmetic(outputs, tensor("exemplar_masks", 2), tensor("exemplar", 3),
                tensor("image_masks", 2), tensor("image", 3), new Network.Tensor("transfer", 1, 2)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                if (!output.equals("curves")) {
                    return feed.get("exemplar").clone();
                }
                float[] curves = new float[SIZE / 8 * SIZE / 8 * 32];
                for (int i = 0; i < curves.length; i++) {
                    curves[i] = i % 4 == 3 ? 0f : i % 32 / 4 < 4 ? 0.4f : -0.4f; // dark is made lighter and light darker
                }
                return curves;
            }
        };
        Translator translator = new Translator(masks, generator, "hair\nsmile", "hair", "", "");
        assertEquals(1, translator.model.colourGroups());
        assertTrue(translator.model.isColour(0) && !translator.model.isColour(1));
        Picture photo = plain(150, 150, 0xff404040);
        Picture star = plain(90, 90, 0xffe0e0e0);
        Framing centre = new Framing(false, 1);
        MaskEdits none = new MaskEdits();
        ModelView input = translator.view(photo, centre.frame(photo, null));
        ModelView exemplar = translator.view(star, centre.frame(star, null));
        int middle = 75 * 150 + 75;
        int half = 0x40 + (0xe0 - 0x40) / 2; // what the free group makes: now on the lighter side of the curves
        int step = Math.round(0.5f * 0.4f * 127.5f);
        Exemplar given = Exemplar.of(exemplar, none);
        assertEquals(half - step, translator.translate(photo, input, none, given).argb[middle] & 255, 1);
        boolean[] hair = {true, false};
        boolean[] smile = {false, true};
        assertEquals(0x40 + step,
                translator.translate(photo, input, none, given, hair).argb[middle] & 255, 1);
        assertEquals(half, translator.translate(photo, input, none, given, smile).argb[middle] & 255, 1);
        // Drawn hair stays as drawn, and takes the smile's place.
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        assertEquals(0x40 + Math.round(0.4f * 127.5f),
                translator.translate(photo, input, edits, given).argb[middle] & 255, 1);
    }

    /** Two colour groups: the colour's moments go in its own group's place, and nothing of the other is transferred. */
    @Test
    public void aColourStandsInThePlaceOfAnExemplar() throws Exception {
        Network masks = halves();
        final Map<String, float[]> last = new HashMap<String, float[]>();
        Network generator = new Arithmetic(
                Collections.singletonList(new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 64)),
                tensor("exemplar_masks", 2), tensor("exemplar", 3), tensor("image_masks", 2), tensor("image", 3),
                new Network.Tensor("transfer", 1, 2), new Network.Tensor("colours", 1, 2, ColourStyle.MOMENTS)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                last.putAll(feed);
                float[] curves = new float[SIZE / 8 * SIZE / 8 * 64];
                Arrays.fill(curves, 0.2f);
                return curves;
            }
        };
        Translator translator = new Translator(masks, generator, "hair\nlips", "hair,lips", "", "");
        Picture photo = plain(90, 90, 0xff404040);
        ModelView input = translator.view(photo, new Framing(false, 1).frame(photo, null));
        MaskEdits none = new MaskEdits();
        ColourStyle blue = new ColourStyle(0x2b6fd6, "lips");
        int count = ColourStyle.MOMENTS;
        float[] moments = new float[2 * count];
        System.arraycopy(blue.moments(), 0, moments, count, count);
        Picture made = translator.translate(photo, input, none, Exemplar.of(blue));
        assertArrayEquals(moments, last.get("colours"), 0f);
        assertArrayEquals(new float[] {0f, 1f}, last.get("transfer"), 0f);
        assertEquals("half of one group's change", 0x40 + Math.round(0.5f * 0.2f * 127.5f), made.argb[4000] & 255, 1);
        translator.translate(photo, input, none, Exemplar.of(new ColourStyle(0x2b6fd6, "")));
        System.arraycopy(blue.moments(), 0, moments, 0, count);
        Arrays.fill(moments, count, 2 * count, 0f);
        assertArrayEquals("the first colour group", moments, last.get("colours"), 0f);
        Picture same =
                translator.translate(photo, input, none, Exemplar.of(blue), new boolean[] {true, false});
        assertArrayEquals("a group that is not chosen", photo.argb, same.argb);
        translator.translate(photo, input, none, Exemplar.of(input, none));
        assertArrayEquals("an exemplar sets no colour", new float[2 * count], last.get("colours"), 0f);
        try {
            translator.translate(photo, input, none, Exemplar.of(new ColourStyle(0, "smile")));
            fail();
        } catch (DemoException e) {
            assertTrue(e.getMessage(), e.getMessage().contains("colour:#000000:smile"));
        }
    }

    @Test
    public void remembersTheLastPictures() throws Exception {
        Translator translator = new Translator(maskNet(), painter(), "hair", "", "", "");
        Picture photo = plain(80, 80, 0xff204060);
        ModelViewCache cache = new ModelViewCache();
        ModelView view = translator.view(photo, new Framing(false, 1).frame(photo, null));
        cache.put("first", view);
        for (int i = 1; i < ModelViewCache.LIMIT; i++) {
            cache.put("other" + i, view);
        }
        assertTrue(cache.get("first") == view);
        cache.put("more", view);
        assertTrue("the one not asked for longest goes", cache.get("other1") == null && cache.get("first") == view);
    }

    @Test
    public void saysWhatDoesNotFit() {
        expectUnusable("there is no image", generator("picture", tensor("raw", 3)), "hair", "");
        expectUnusable("labels.txt names 2 groups", painter(), "hair\nface\n", "");
        expectUnusable("neither raw nor curves", generator("image"), "hair", "");
        expectUnusable("Export it again", generator("image"), "hair", "hair");
        expectUnusable("there is no curves", painter(), "hair", "hair");
        expectUnusable("the colour group lips", painter(), "hair", "lips");
        expectUnusable("the connected group lips", painter(), "hair", "", "lips");
        Network.Tensor curves = new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32);
        expectUnusable("names no colour groups", generator("image", tensor("raw", 3), curves), "hair", "");
        expectUnusable("there is no raw", generator("image", curves), "hair", "");
        Network.Tensor small = new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 23);
        expectUnusable("expected curves [1, 8, 8, 32]; received curves [1, 8, 8, 23]", generator("image", small), "hair", "hair");
    }

    private static void expectUnusable(String part, Network generator, String labels, String colours) {
        expectUnusable(part, generator, labels, colours, "");
    }

    private static void expectUnusable(String part, Network generator, String labels, String colours,
            String connected) {
        try {
            new Translator(maskNet(), generator, labels, colours, connected, "");
            fail();
        } catch (DemoException e) {
            assertEquals(DemoException.Kind.MODEL_UNUSABLE, e.kind);
            assertTrue(e.getMessage(), e.getMessage().contains(part));
        }
    }
}
