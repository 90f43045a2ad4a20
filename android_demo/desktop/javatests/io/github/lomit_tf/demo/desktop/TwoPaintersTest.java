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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.Test;

/**
 * One picture, exemplar and drawn mask give what Python's `core` gives (tests/model/test_one_picture.py): hair by curves and
 * smile free, from a small model with random weights (golden.py).
 */
public final class TwoPaintersTest {
    private static final File DATA = new File(System.getProperty("lomit.testdata"));

    private static Picture picture(String name) throws Exception {
        BufferedImage image = ImageIO.read(new File(DATA, name));
        int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return new Picture(image.getWidth(), image.getHeight(), argb);
    }

    private static LiteRtNetwork network(String part) throws Exception {
        File library = new File(System.getProperty("lomit.litert"));
        return new LiteRtNetwork(library, new File(DATA, "painters_" + part + ".tflite"));
    }

    /** The first group erased, and a dot of it drawn: x, y, radius and hardness as Python's tests read them too. */
    private static MaskEdits stroke() throws Exception {
        Path file = new File(DATA, "painters_stroke.txt").toPath();
        String[] words = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).trim().split(" ");
        float[] numbers = new float[words.length];
        for (int i = 0; i < words.length; i++) {
            numbers[i] = Float.parseFloat(words[i]);
        }
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(0, true, 2f, 1f, new float[] {0.5f, 0.5f}));
        edits.add(new Stroke(0, false, numbers[2], numbers[3], new float[] {numbers[0], numbers[1]}));
        return edits;
    }

    @Test
    public void theTranslationIsThatOfPython() throws Exception {
        Translator translator = new Translator(network("mask_net"), network("generator"), "hair\nsmile", "hair", "", "");
        Framing centre = new Framing(false, 1);
        Picture input = picture("painters_input.png");
        Picture star = picture("painters_exemplar.png");
        ModelView view = translator.view(input, centre.frame(input, null));
        ModelView exemplar = translator.view(star, centre.frame(star, null));
        Picture made = translator.translate(input, view, stroke(), Exemplar.of(exemplar, new MaskEdits()));
        compare("painters_made.png", input, made);
        Exemplar blue = Exemplar.of(new ColourStyle(0x2b6fd6, "hair"));
        compare("painters_colour.png", input, translator.translate(input, view, stroke(), blue));
    }

    private static void compare(String name, Picture input, Picture made) throws Exception {
        Picture expected = picture(name);
        int most = 0;
        int furthest = 0;
        for (int i = 0; i < made.argb.length; i++) {
            for (int shift = 0; shift < 24; shift += 8) {
                int level = made.argb[i] >> shift & 255;
                furthest = Math.max(furthest, Math.abs(level - (input.argb[i] >> shift & 255)));
                most = Math.max(most, Math.abs(level - (expected.argb[i] >> shift & 255)));
            }
        }
        System.out.println(name + ": at most " + most + " of 255");
        assertTrue("something happens: " + furthest, furthest > 20);
        assertEquals("of 255", 0, most, 1);
    }
}
