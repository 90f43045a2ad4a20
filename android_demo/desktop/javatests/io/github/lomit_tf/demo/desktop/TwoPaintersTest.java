package io.github.lomit_tf.demo.desktop;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.Exemplar;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.MaskEdits;
import io.github.lomit_tf.demo.core.ModelView;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Stroke;
import io.github.lomit_tf.demo.core.Translator;
import java.awt.image.BufferedImage;
import java.io.File;
import javax.imageio.ImageIO;
import org.junit.Test;

/**
 * One picture, exemplar and drawn mask give what Python's `core` gives (tests/model/test_one_picture.py): hair by curves and
 * smile free, from a small model with random weights (golden.py).
 */
public final class TwoPaintersTest {
    private static final File DATA = new File(System.getProperty("lomit.testdata"));

    private static BufferedImage read(String name) throws Exception {
        return ImageIO.read(new File(DATA, name));
    }

    private static Picture picture(String name) throws Exception {
        BufferedImage image = read(name);
        int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return new Picture(image.getWidth(), image.getHeight(), argb);
    }

    private static LiteRtNetwork network(String part) throws Exception {
        File library = new File(System.getProperty("lomit.litert"));
        return new LiteRtNetwork(library, new File(DATA, "painters_" + part + ".tflite"));
    }

    /** The first group erased, and a disc of it drawn: golden.py's `disc`. */
    static MaskEdits disc() {
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, true, 2f, 1f, new float[] {0.5f, 0.5f}));
        edits.add(new Stroke(0, false, 0.2f, 1f, new float[] {0.47f, 0.36f}));
        return edits;
    }

    @Test
    public void theTranslationIsThatOfPython() throws Exception {
        Translator translator = new Translator(network("mask_net"), network("generator"), "hair\nsmile", "hair");
        Framing centre = new Framing(false, 1);
        Picture input = picture("painters_input.png");
        Picture star = picture("painters_exemplar.png");
        ModelView view = translator.view(input, centre.frame(input, null));
        ModelView exemplar = translator.view(star, centre.frame(star, null));
        Picture made = translator.translate(input, view, disc(), Exemplar.of(exemplar, new MaskEdits()));
        compare("painters_made.png", input, made);
        Exemplar blue = Exemplar.of(new ColourStyle(0x2b6fd6, "hair"));
        compare("painters_colour.png", input, translator.translate(input, view, disc(), blue));
    }

    private static void compare(String name, Picture input, Picture made) throws Exception {
        Picture expected = picture(name);
        BufferedImage above = read("painters_above.png"); // elsewhere the floor of the masks makes a difference
        int most = 0;
        int counted = 0;
        int furthest = 0;
        for (int i = 0; i < made.argb.length; i++) {
            boolean counts = above.getRaster().getSample(i % made.width, i / made.width, 0) > 0;
            counted += counts ? 1 : 0;
            for (int shift = 0; shift < 24; shift += 8) {
                int level = made.argb[i] >> shift & 255;
                furthest = Math.max(furthest, Math.abs(level - (input.argb[i] >> shift & 255)));
                most = Math.max(most, counts ? Math.abs(level - (expected.argb[i] >> shift & 255)) : 0);
            }
        }
        System.out.println(name + ": at most " + most + " of 255 in " + counted + " pixels");
        assertTrue(counted + " pixels", counted > made.argb.length / 10);
        assertTrue("something happens: " + furthest, furthest > 20);
        assertEquals("of 255", 0, most, 1);
    }
}
