package lomit.demo.desktop;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.awt.image.BufferedImage;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.Properties;
import javax.imageio.ImageIO;
import lomit.demo.core.DemoException;
import lomit.demo.core.Framing;
import lomit.demo.core.MaskEdits;
import lomit.demo.core.Picture;
import lomit.demo.core.Stroke;
import lomit.demo.core.Translator;
import org.junit.BeforeClass;
import org.junit.Test;

/** The app's core with the app's own model files, against Python's Translator with the same files (golden.py). */
public final class InferenceTest {
    private static final File LIBRARY = new File(System.getProperty("lomit.litert"));
    private static final File ASSETS = new File(System.getProperty("lomit.assets"));
    private static Translator translator;
    private static Picture input;
    private static Translator.Seen seen;
    private static Translator.Seen exemplar;

    private static BufferedImage read(String name) throws Exception {
        return ImageIO.read(new File(System.getProperty("lomit.testdata"), name));
    }

    private static Picture picture(String name) throws Exception {
        BufferedImage image = read(name);
        int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        return new Picture(image.getWidth(), image.getHeight(), argb);
    }

    private static Properties properties() throws Exception {
        Properties model = new Properties();
        try (InputStream stream = new FileInputStream(new File(ASSETS, "model.properties"))) {
            model.load(stream);
        }
        return model;
    }

    @BeforeClass
    public static void load() throws Exception {
        String labels = new String(Files.readAllBytes(new File(ASSETS, "labels.txt").toPath()), StandardCharsets.UTF_8);
        translator = new Translator(new LiteRtNetwork(LIBRARY, new File(ASSETS, "mask_net_int8.tflite")),
                new LiteRtNetwork(LIBRARY, new File(ASSETS, "generator_int8.tflite")), labels,
                properties().getProperty("colour"));
        Framing centre = new Framing(false, 1); // the drawn faces of golden.py, whatever the model was trained on
        input = picture("input.png");
        seen = translator.see(input, centre.frame(input, null));
        Picture star = picture("exemplar.png");
        exemplar = translator.see(star, centre.frame(star, null));
    }

    @Test
    public void theMasksArePythons() throws Exception {
        for (int g = 0; g < translator.model.groups.size(); g++) {
            BufferedImage expected = read("mask_" + g + ".png");
            assertEquals(translator.model.size, expected.getWidth());
            int most = 0;
            int marked = 0;
            for (int i = 0; i < seen.masks.width * seen.masks.height; i++) {
                int level = expected.getRaster().getSample(i % seen.masks.width, i / seen.masks.width, 0);
                most = Math.max(most, Math.abs(Math.round(255 * seen.masks.values[i * seen.masks.channels + g]) - level));
                marked += level > 127 ? 1 : 0;
            }
            System.out.println(translator.model.groups.get(g) + ": masks differ by at most " + most + " of 255");
            assertTrue(translator.model.groups.get(g) + ": " + most, most <= 1);
            assertTrue("something is marked", marked > 10);
        }
    }

    @Test
    public void theTranslationsArePythons() throws Exception {
        MaskEdits none = new MaskEdits();
        boolean[] chosen = new boolean[translator.model.groups.size()];
        for (int only = -1; only < chosen.length; only++) {
            Arrays.fill(chosen, only < 0);
            if (only >= 0) {
                chosen[only] = true;
            }
            Picture made = translator.translate(input, seen, none, exemplar, none, chosen);
            compare(only < 0 ? "all.png" : "only_" + only + ".png", made);
        }
    }

    private static void compare(String name, Picture made) throws Exception {
        Picture expected = picture(name);
        int most = 0;
        int differ = 0;
        int changed = 0;
        for (int i = 0; i < made.argb.length; i++) {
            for (int shift = 0; shift < 24; shift += 8) {
                int difference = Math.abs((made.argb[i] >> shift & 255) - (expected.argb[i] >> shift & 255));
                most = Math.max(most, difference);
                differ += difference > 0 ? 1 : 0;
            }
            changed += made.argb[i] == input.argb[i] ? 0 : 1;
        }
        System.out.println(name + ": at most " + most + " grey levels, " + differ + " values of " + 3 * made.argb.length
                + "; " + changed + " pixels changed");
        assertTrue(name + " differs by " + most, most <= 1);
        assertTrue(name + ": " + differ, differ < 3 * made.argb.length / 100);
        assertTrue("the translation does something", changed > 200);
    }

    @Test
    public void erasingTheInputsMasksLeavesThePhotograph() throws Exception {
        MaskEdits none = new MaskEdits();
        MaskEdits erased = new MaskEdits();
        for (int g = 0; g < translator.model.groups.size(); g++) {
            erased.add(new Stroke(g, true, 2f, 1f, new float[] {0.5f, 0.5f}));
        }
        assertTrue(Arrays.equals(input.argb, translator.translate(input, seen, erased, exemplar, none).argb));
        assertTrue(Arrays.equals(input.argb, translator.translate(input, seen, none, exemplar, erased).argb));
        MaskEdits painted = new MaskEdits();
        painted.add(new Stroke(0, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        Picture made = translator.translate(input, seen, painted, exemplar, none);
        int middle = input.height / 2 * input.width + input.width / 2;
        assertFalse(made.argb[middle] == input.argb[middle]);
    }

    @Test
    public void theAssetsSayHowToFrame() throws Exception {
        Properties model = properties();
        assertTrue(Arrays.asList("true", "false").contains(model.getProperty("faces")));
        assertTrue(Double.parseDouble(model.getProperty("zoom")) > 0);
    }

    @Test
    public void aFileThatIsNoModelIsRefused() throws Exception {
        try {
            new LiteRtNetwork(LIBRARY, new File(ASSETS, "labels.txt"));
            fail();
        } catch (DemoException e) {
            assertEquals(DemoException.Kind.MODEL_UNUSABLE, e.kind);
        }
    }
}
