package io.github.lomit_tf.demo.desktop;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.github.lomit_tf.demo.core.BlazeFace;
import io.github.lomit_tf.demo.core.Face;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.Picture;
import java.awt.image.BufferedImage;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.List;
import javax.imageio.ImageIO;
import org.junit.Test;

/** The face detector with its model files, against lomit_tf/imaging/faces.py with the same files (golden.py). */
public final class FacesTest {
    @Test
    public void findsTheFacesThatPythonFinds() throws Exception {
        File library = new File(System.getProperty("lomit.litert"));
        File models = new File(System.getProperty("lomit.faces"));
        BlazeFace finder = new BlazeFace(new LiteRtNetwork(library, new File(models, "face_detection_short_range.tflite")),
                new LiteRtNetwork(library, new File(models, "face_detection_full_range.tflite")),
                new LiteRtNetwork(library, new File(models, "framing.tflite")));
        File data = new File(System.getProperty("lomit.testdata"));
        BufferedImage image = ImageIO.read(new File(data, "portrait.png"));
        int[] argb = image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
        Picture picture = new Picture(image.getWidth(), image.getHeight(), argb);
        List<Face> found = finder.find(picture);
        List<String> lines = Files.readAllLines(new File(data, "faces.txt").toPath(), StandardCharsets.UTF_8);
        assertEquals(lines.size(), found.size());
        for (int n = 0; n < lines.size(); n++) {
            String[] expected = lines.get(n).split(" ");
            Face face = found.get(n);
            assertEquals(Double.parseDouble(expected[0]), face.score, 0.01);
            double left = Double.parseDouble(expected[1]);
            double top = Double.parseDouble(expected[2]);
            double angle = Math.toDegrees(Math.atan2(Double.parseDouble(expected[4]) - top,
                    Double.parseDouble(expected[3]) - left));
            assertEquals(angle, face.angle(), 0.5);
            assertEquals(Double.parseDouble(expected[13]), face.x, 0.5);
            assertEquals(Double.parseDouble(expected[14]), face.y, 0.5);
            assertEquals(Double.parseDouble(expected[15]), face.side, 0.5);
        }
        int[] turned = new int[argb.length]; // upside down
        for (int i = 0; i < argb.length; i++) {
            turned[i] = argb[argb.length - 1 - i];
        }
        List<Face> again = finder.find(new Picture(image.getWidth(), image.getHeight(), turned));
        assertEquals(found.size(), again.size());
        for (int n = 0; n < found.size(); n++) {
            assertEquals(image.getWidth() - 1 - found.get(n).x, again.get(n).x, 2);
            assertEquals(image.getHeight() - 1 - found.get(n).y, again.get(n).y, 2);
            double half = Math.abs(found.get(n).angle() - again.get(n).angle());
            assertEquals(180, half, 2);
        }
        Framing.Frame frame = new Framing(true, 1).frame(picture, finder);
        assertEquals(Framing.Note.FACE, frame.note);
        assertTrue(frame.window.toString(), frame.window.angle < -10 && frame.window.angle > -30);
        String[] crop = lines.get(0).split(" ");
        double across = Double.parseDouble(crop[16]);
        double down = Double.parseDouble(crop[17]);
        assertEquals(Math.hypot(across, down), frame.window.width, 1.5);
        assertEquals(Math.toDegrees(Math.atan2(down, across)), frame.window.angle, 0.3);
        assertEquals(Double.parseDouble(crop[18]), frame.window.left + frame.window.width / 2.0 - 0.5, 1.5);
        assertEquals(Double.parseDouble(crop[19]), frame.window.top + frame.window.height / 2.0 - 0.5, 1.5);
    }
}
