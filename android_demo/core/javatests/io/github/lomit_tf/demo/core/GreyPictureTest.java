package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Which pictures stay grey when a face is changed freely. */
public final class GreyPictureTest {
    private static final int SIZE = TranslatorTest.SIZE;

    /** Paints the exemplar freely, and curves that change nothing. */
    static Network painter() {
        List<Network.Tensor> outputs =
                Arrays.asList(TranslatorTest.tensor("raw", 3), new Network.Tensor("curves", 1, SIZE / 8, SIZE / 8, 32));
        return new TranslatorTest.Arithmetic(outputs, TranslatorTest.tensor("exemplar_masks", 2), TranslatorTest.tensor("exemplar", 3),
                TranslatorTest.tensor("image_masks", 2), TranslatorTest.tensor("image", 3), new Network.Tensor("transfer", 1, 2)) {
            @Override
            float[] compute(String output, Map<String, float[]> feed) {
                return output.equals("raw") ? feed.get("exemplar").clone() : new float[SIZE / 8 * SIZE / 8 * 32];
            }
        };
    }

    /** The middle pixel of a picture after an orange exemplar, of which the free group is taken. */
    private static int translated(Picture photo) throws Exception {
        Translator translator = new Translator(TranslatorTest.white(), painter(), "hair\nsmile", "hair", "", "smile");
        Framing centre = new Framing(false, 1);
        Picture star = TranslatorTest.plain(90, 90, 0xffe0a020);
        MaskEdits none = new MaskEdits();
        Exemplar exemplar = Exemplar.of(translator.view(star, centre.frame(star, null)), none);
        ModelView input = translator.view(photo, centre.frame(photo, null));
        return translator.translate(photo, input, none, exemplar, new boolean[] {false, true}).argb[75 * 150 + 75];
    }

    @Test
    public void aGreyPictureStaysGreyAndAnotherIsGivenColour() throws Exception {
        int grey = translated(TranslatorTest.plain(150, 150, 0xff404040));
        int level = grey & 255;
        assertEquals(0xff000000 | level * 0x010101, grey);
        assertTrue("its brightness changes: " + level, level > 0x80);
        Picture tinted = TranslatorTest.plain(150, 150, 0xff404044);
        int traces = translated(tinted);
        assertEquals("a trace of blue stays", 4, (traces & 255) - (traces >> 16 & 255));
        assertEquals(level, traces >> 16 & 255, 1);
        for (int y = 0; y < 75; y++) { // above the middle, of another tint
            for (int x = 0; x < 150; x++) {
                tinted.argb[y * 150 + x] = 0xff503c44;
            }
        }
        assertTrue("two tints are explained by brightness", tinted.isMonochrome(new Window(0, 0, 150, 150)));
        for (int i = 0; i < 150 * 20; i++) {
            tinted.argb[i] = 0xff40603c;
        }
        int coloured = translated(tinted);
        assertEquals(0xc0, (coloured >> 16 & 255) - (coloured & 255), 8);
    }
}
