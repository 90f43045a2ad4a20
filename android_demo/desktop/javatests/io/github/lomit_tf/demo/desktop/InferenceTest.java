package io.github.lomit_tf.demo.desktop;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import io.github.lomit_tf.demo.core.BlazeFace;
import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.Exemplar;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.Layouts;
import io.github.lomit_tf.demo.core.MaskEdits;
import io.github.lomit_tf.demo.core.ModelView;
import io.github.lomit_tf.demo.core.Picture;
import io.github.lomit_tf.demo.core.Stroke;
import io.github.lomit_tf.demo.core.Translator;
import io.github.lomit_tf.demo.core.Window;
import java.awt.image.BufferedImage;
import java.io.BufferedInputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import javax.imageio.ImageIO;
import org.junit.BeforeClass;
import org.junit.Test;

/** The app's core with the app's own model files, against Python's Translator with the same files (golden.py). */
public final class InferenceTest {
    private static final File LIBRARY = new File(System.getProperty("lomit.litert"));
    private static final File FACES = new File(System.getProperty("lomit.faces"));
    private static final File ASSETS = new File(System.getProperty("lomit.assets"));
    private static Translator translator;
    private static Picture input;
    private static ModelView view;
    private static Exemplar exemplar;
    private static List<Framing.Frame> windows;

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

    private static Layouts layouts() throws Exception {
        try (InputStream stream = new BufferedInputStream(new FileInputStream(new File(ASSETS, "layouts.bin")))) {
            return Layouts.read(stream);
        }
    }

    @BeforeClass
    public static void load() throws Exception {
        String labels = new String(Files.readAllBytes(new File(ASSETS, "labels.txt").toPath()), StandardCharsets.UTF_8);
        translator = new Translator(new LiteRtNetwork(LIBRARY, new File(ASSETS, "mask_net_int8.tflite")),
                new LiteRtNetwork(LIBRARY, new File(ASSETS, "generator_int8.tflite")), labels,
                properties().getProperty("colour"), properties().getProperty("connected"),
                properties().getProperty("overlapping", ""), properties().getProperty("competing", ""),
                properties().getProperty("face_parts", ""), layouts());
        windows = windows();
        input = picture("input.png");
        view = translator.view(input, windows.get(0));
        exemplar = Exemplar.of(translator.view(picture("exemplar.png"), windows.get(1)), new MaskEdits());
    }

    /** As Python framed the pictures (golden_models.py): a pixel more or less would make other masks. */
    private static List<Framing.Frame> windows() throws Exception {
        List<Framing.Frame> found = new ArrayList<Framing.Frame>();
        File file = new File(System.getProperty("lomit.testdata"), "windows.txt");
        for (String line : Files.readAllLines(file.toPath(), StandardCharsets.UTF_8)) {
            String[] words = line.split(" ");
            int[] place = new int[4];
            for (int i = 0; i < 4; i++) {
                place[i] = (int) Double.parseDouble(words[i]);
            }
            Window window = new Window(place[0], place[1], place[2], place[3], Double.parseDouble(words[4]));
            found.add(new Framing.Frame(window, Framing.Note.FACE));
        }
        return found;
    }

    @Test
    public void theFacesAreFramedAsInPython() throws Exception {
        Framing framing = Framing.of(properties());
        BlazeFace finder = new BlazeFace(new LiteRtNetwork(LIBRARY, new File(FACES, "face_detection_short_range.tflite")),
                new LiteRtNetwork(LIBRARY, new File(FACES, "face_detection_full_range.tflite")),
                new LiteRtNetwork(LIBRARY, new File(FACES, "framing.tflite")));
        String[] names = {"", "exemplar.png", "portrait.png", "input.png"};
        for (int i = 1; i < names.length; i++) {
            Framing.Frame frame = framing.frame(picture(names[i]), finder);
            Window expected = windows.get(i).window;
            assertEquals(names[i], Framing.Note.FACE, frame.note);
            assertEquals(names[i], expected.left, frame.window.left, 1);
            assertEquals(names[i], expected.top, frame.window.top, 1);
            assertEquals(names[i], expected.width, frame.window.width, 2);
            assertEquals(names[i], expected.angle, frame.window.angle, 0.5);
        }
        assertTrue("the last one is turned", windows.get(2).window.angle < -10);
    }

    @Test
    public void theMasksArePythons() throws Exception {
        for (int g = 0; g < translator.model.groups.size(); g++) {
            BufferedImage expected = read("mask_" + g + ".png");
            assertEquals(translator.model.size, expected.getWidth());
            int most = 0;
            int marked = 0;
            for (int i = 0; i < view.masks.width * view.masks.height; i++) {
                int level = expected.getRaster().getSample(i % view.masks.width, i / view.masks.width, 0);
                most = Math.max(most, Math.abs(Math.round(255 * view.masks.values[i * view.masks.channels + g]) - level));
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
            Picture made = translator.translate(input, view, none, exemplar, chosen);
            compare(only < 0 ? "all.png" : "only_" + only + ".png", input, made);
        }
    }

    @Test
    public void aTurnedFaceIsTranslatedAsInPython() throws Exception {
        Picture turned = picture("portrait.png");
        ModelView face = translator.view(turned, windows.get(2));
        compare("turned.png", turned, translator.translate(turned, face, new MaskEdits(), exemplar));
    }

    /** The colours of golden_models.py. */
    @Test
    public void aColourThatIsSetGivesWhatPythonGives() throws Exception {
        int[] colours = {0x2b6fd6, 0xc9a063};
        for (int i = 0; i < colours.length; i++) {
            Exemplar colour = Exemplar.of(new ColourStyle(colours[i], ""));
            compare("colour_" + i + ".png", input, translator.translate(input, view, new MaskEdits(), colour));
        }
    }

    private static void compare(String name, Picture photo, Picture made) throws Exception {
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
            changed += made.argb[i] == photo.argb[i] ? 0 : 1;
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
        Exemplar nothing = Exemplar.of(translator.view(picture("exemplar.png"), windows.get(1)), erased);
        assertTrue(Arrays.equals(input.argb, translator.translate(input, view, erased, exemplar).argb));
        assertTrue(Arrays.equals(input.argb, translator.translate(input, view, none, nothing).argb));
        MaskEdits painted = new MaskEdits();
        painted.add(new Stroke(0, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        Picture made = translator.translate(input, view, painted, exemplar);
        Window window = windows.get(0).window;
        int middle = (window.top + window.height / 2) * input.width + window.left + window.width / 2;
        assertFalse(made.argb[middle] == input.argb[middle]);
    }

    @Test
    public void theAssetsSayHowToFrame() throws Exception {
        Properties model = properties();
        assertTrue(Arrays.asList("true", "false").contains(model.getProperty("faces")));
        assertTrue(Double.parseDouble(model.getProperty("zoom")) > 0);
        assertEquals("hair", model.getProperty("competing"));
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
