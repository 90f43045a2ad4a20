package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Lipstick on a smile that was painted: second_look.py's rule, by networks that are arithmetic. */
public final class SecondLookTest {
    private static final int SIZE = TranslatorTest.SIZE;

    /** A smile that makes all of a picture white, and lips, which are what is white: before it nowhere, after it all. */
    @Test
    public void looksForTheLipsOfTheSmileThatWasPainted() throws Exception {
        final List<float[]> transfers = new ArrayList<float[]>();
        final List<float[]> given = new ArrayList<float[]>();
        Network masks = TranslatorTest.white();
        List<Network.Tensor> outputs =
                Arrays.asList(TranslatorTest.tensor("raw", 3), new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32));
        Network generator = new TranslatorTest.Arithmetic(outputs, TranslatorTest.tensor("exemplar_masks", 2), TranslatorTest.tensor("exemplar", 3),
                TranslatorTest.tensor("image_masks", 2), TranslatorTest.tensor("image", 3), new Network.Tensor("transfer", 1, 2)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                float[] transfer = feed.get("transfer");
                if (output.equals("raw")) {
                    transfers.add(transfer.clone());
                    given.add(feed.get("image_masks").clone());
                    float[] raw = feed.get("image").clone();
                    if (transfer[1] > 0f) {
                        Arrays.fill(raw, 1f);
                    }
                    return raw;
                }
                float[] curves = new float[SIZE / 8 * SIZE / 8 * 32];
                Arrays.fill(curves, -0.4f * transfer[0]);
                return curves;
            }
        };
        Translator translator = new Translator(masks, generator, "lips\nsmile", "lips", "", "smile");
        Picture photo = TranslatorTest.plain(150, 150, 0xff404040);
        Picture star = TranslatorTest.plain(90, 90, 0xffffffff);
        Framing centre = new Framing(false, 1);
        MaskEdits none = new MaskEdits();
        ModelView input = translator.view(photo, centre.frame(photo, null));
        Exemplar exemplar = Exemplar.of(translator.view(star, centre.frame(star, null)), none);
        int middle = 75 * 150 + 75;
        int darker = Math.round(0.4f * 127.5f);
        assertEquals(255 - darker, translator.translate(photo, input, none, exemplar).argb[middle] & 255, 1);
        assertArrayEquals(new float[] {0f, 1f}, transfers.get(0), 0f);
        assertArrayEquals(new float[] {1f, 0f}, transfers.get(1), 0f);
        int center = 2 * (SIZE * SIZE / 2 + SIZE / 2);
        float change = 1f - (0x40 / 127.5f - 1f);
        assertEquals(change * change / (change * change + 0.05f * 0.05f), given.get(1)[center], 1e-4f);
        assertEquals("the smile's mask stays", 1f, given.get(1)[center + 1], 0f);
        boolean[] smile = {false, true};
        assertEquals(255, translator.translate(photo, input, none, exemplar, smile).argb[middle] & 255);
        assertEquals("one pass is enough", 3, transfers.size());
        // Drawn lips leave the smile its place, and a drawn smile takes nothing from them.
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        translator.translate(photo, input, edits, exemplar, smile);
        assertEquals(1f, given.get(3)[center + 1], 0f);
        assertEquals(1f, given.get(3)[center], 0f);
        MaskEdits erased = new MaskEdits();
        erased.add(new Stroke(0, true, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        translator.translate(photo, input, erased, exemplar);
        assertEquals("drawn lips stay in the second look too", 0f, given.get(5)[center], 0f);
        expectUnusable("overlapping group smirk", generator, masks, "lips\nsmile", "lips", "smirk");
    }

    private static void expectUnusable(String part, Network generator, Network masks, String labels, String colours,
            String overlapping) {
        try {
            new Translator(masks, generator, labels, colours, "", overlapping);
            fail();
        } catch (DemoException e) {
            assertTrue(e.getMessage(), e.getMessage().contains(part));
        }
    }
}
