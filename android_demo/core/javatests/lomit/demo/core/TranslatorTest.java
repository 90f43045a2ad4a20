package lomit.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** The order of a translation, with networks of plain arithmetic in the place of the TFLite files. */
public final class TranslatorTest {
    private static final int SIZE = 64;

    private abstract static class Arithmetic implements Network {
        private final List<Tensor> inputs;
        private final Tensor output;
        int runs;

        Arithmetic(Tensor output, Tensor... inputs) {
            this.output = output;
            this.inputs = Arrays.asList(inputs);
        }

        @Override
        public List<Tensor> inputs() {
            return inputs;
        }

        @Override
        public List<Tensor> outputs() {
            return Collections.singletonList(output);
        }

        @Override
        public Map<String, float[]> run(Map<String, float[]> feed) {
            runs++;
            assertEquals(inputs.size(), feed.size());
            Map<String, float[]> out = new HashMap<String, float[]>();
            out.put(output.name, compute(feed));
            return out;
        }

        abstract float[] compute(Map<String, float[]> feed);
    }

    private static Network.Tensor tensor(String name, int channels) {
        return new Network.Tensor(name, 1, SIZE, SIZE, channels);
    }

    /** Marks the left half. */
    private static Arithmetic maskNet() {
        return new Arithmetic(tensor("masks", 1), tensor("image", 3)) {
            @Override
            float[] compute(Map<String, float[]> feed) {
                float[] masks = new float[SIZE * SIZE];
                for (int i = 0; i < masks.length; i++) {
                    masks[i] = i % SIZE < SIZE / 2 ? 1f : 0f;
                }
                return masks;
            }
        };
    }

    /** Paints the exemplar. */
    private static Arithmetic generator(String name) {
        return new Arithmetic(tensor("translation", 3), tensor("exemplar_masks", 1), tensor("exemplar", 3),
                tensor("image_masks", 1), tensor(name, 3)) {
            @Override
            float[] compute(Map<String, float[]> feed) {
                return feed.get("exemplar").clone();
            }
        };
    }

    private static Picture plain(int width, int height, int argb) {
        int[] pixels = new int[width * height];
        Arrays.fill(pixels, argb);
        return new Picture(width, height, pixels);
    }

    @Test
    public void changesOnlyWhatIsMarked() throws Exception {
        Arithmetic maskNet = maskNet();
        Translator translator = new Translator(maskNet, generator("image"), "hair\n");
        assertEquals(SIZE, translator.model.size);
        assertEquals(Collections.singletonList("hair"), translator.model.groups);
        Picture photo = plain(256, 256, 0xff204060);
        Picture star = plain(100, 80, 0xffc08010);
        Framing centre = new Framing(false, 1);
        Translator.Seen input = translator.see(photo, centre.frame(photo, null));
        Translator.Seen exemplar = translator.see(star, centre.frame(star, null));
        Picture made = translator.translate(photo, input, new MaskEdits(), exemplar, new MaskEdits());
        assertEquals(0xffc08010, made.argb[256 * 100 + 20]);
        assertEquals(0xff204060, made.argb[256 * 100 + 230]);
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, true, 2f, 1f, new float[] {0.5f, 0.5f}));
        assertArrayEquals(photo.argb, translator.translate(photo, input, edits, exemplar, new MaskEdits()).argb);
        boolean[] none = {false};
        MaskEdits no = new MaskEdits();
        assertArrayEquals(photo.argb, translator.translate(photo, input, no, exemplar, no, none).argb);
        assertArrayEquals("nothing of an exemplar whose mask is erased", photo.argb,
                translator.translate(photo, input, no, exemplar, edits).argb);
        assertEquals("once a picture, not once a translation", 2, maskNet.runs);
    }

    /** A generator that blends by itself gives the same as one that does not: the masks count once. */
    @Test
    public void aCompositeIsMaskedOnce() throws Exception {
        Network soft = new Arithmetic(tensor("masks", 1), tensor("image", 3)) {
            @Override
            float[] compute(Map<String, float[]> feed) {
                float[] masks = new float[SIZE * SIZE];
                for (int i = 0; i < masks.length; i++) {
                    masks[i] = Math.max(0.1f, i % SIZE / (float) SIZE);
                }
                return masks;
            }
        };
        Network composite = new Arithmetic(tensor("translation", 3), tensor("exemplar_masks", 1), tensor("exemplar", 3),
                tensor("image_masks", 1), tensor("image", 3)) {
            @Override
            float[] compute(Map<String, float[]> feed) {
                float[] made = feed.get("image").clone();
                for (int i = 0; i < made.length; i++) {
                    made[i] += feed.get("image_masks")[i / 3] * (feed.get("exemplar")[i] - made[i]);
                }
                return made;
            }
        };
        Picture photo = plain(200, 200, 0xff204060);
        Picture star = plain(90, 90, 0xffc08010);
        Picture[] made = new Picture[2];
        for (int i = 0; i < 2; i++) {
            Translator translator = new Translator(soft, i == 0 ? composite : generator("image"), "hair");
            Framing centre = new Framing(false, 1);
            made[i] = translator.translate(photo, translator.see(photo, centre.frame(photo, null)), new MaskEdits(),
                    translator.see(star, centre.frame(star, null)), new MaskEdits());
        }
        Golden.assertNear(made[1], made[0], 1);
        assertEquals(0x20 + (0xc0 - 0x20) / 2, made[0].argb[100 * 200 + 100] >> 16 & 255, 2);
    }

    @Test
    public void remembersTheLastPictures() throws Exception {
        Translator translator = new Translator(maskNet(), generator("image"), "hair");
        Picture photo = plain(80, 80, 0xff204060);
        SeenCache cache = new SeenCache();
        Translator.Seen seen = translator.see(photo, new Framing(false, 1).frame(photo, null));
        cache.put("first", seen);
        for (int i = 1; i < SeenCache.KEPT; i++) {
            cache.put("other" + i, seen);
        }
        assertTrue(cache.get("first") == seen);
        cache.put("more", seen);
        assertTrue("the one not asked for longest goes", cache.get("other1") == null && cache.get("first") == seen);
    }

    @Test
    public void saysWhatDoesNotFit() {
        expectUnusable("there is no image", generator("picture"), "hair");
        expectUnusable("labels.txt names 2 groups", generator("image"), "hair\nface\n");
    }

    private static void expectUnusable(String part, Network generator, String labels) {
        try {
            new Translator(maskNet(), generator, labels);
            fail();
        } catch (DemoException e) {
            assertEquals(DemoException.Kind.MODEL_UNUSABLE, e.kind);
            assertTrue(e.getMessage(), e.getMessage().contains(part));
        }
    }
}
