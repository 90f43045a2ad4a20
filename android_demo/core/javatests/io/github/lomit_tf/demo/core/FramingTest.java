package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.Test;

public final class FramingTest {
    private static final Picture PHOTO = new Picture(300, 410, new int[300 * 410]);

    private static FaceFinder finder(final Face... faces) {
        return new FaceFinder() {
            @Override
            public List<Face> find(Picture picture) {
                return Arrays.asList(faces);
            }
        };
    }

    /** A face as CelebaFraming.SHAPE has it in a crop of this side, centre and angle. */
    private static Face face(double side, double x, double y, double degrees) {
        double[] points = new double[2 * Face.POINTS];
        Affine to = Look.toPicture(x, y, side, degrees);
        for (int i = 0; i < Face.POINTS; i++) {
            double[] at = to.at(CelebaFraming.SHAPE[i][0] + 0.5, CelebaFraming.SHAPE[i][1] + 0.5);
            points[2 * i] = at[0];
            points[2 * i + 1] = at[1];
        }
        return new Face(0.9, points, x, y, side / 2);
    }

    /** Points where CelebA's aligned pictures have them on the whole give CelebA's crop: 178x178 from (0, 20) on. */
    @Test
    public void framesAsCelebA() {
        Window window = Framing.ofFace(face(178, 88.5, 108.5, 0), 1);
        assertTrue(window.toString(), Math.abs(window.left) <= 1 && Math.abs(window.top - 20) <= 1);
        assertTrue(window.toString(), Math.abs(window.width - 178) <= 2 && window.width == window.height);
        assertEquals(0, window.angle, 0.1);
        assertEquals(-25, Framing.ofFace(face(200, 150, 150, -25), 1).angle, 0.1);
        assertEquals(100, Framing.ofFace(face(200, 150, 150, -25), 0.5).width, 1);
    }

    /** The windows of framing.txt are framing.face_window's of the same points. */
    @Test
    public void framesAsPython() throws Exception {
        List<double[]> rows = Golden.numbers("framing.txt");
        assertEquals(6, rows.size());
        for (double[] row : rows) {
            Face face = new Face(1, Arrays.copyOfRange(row, 0, 12), 0, 0, 1);
            Window window = Framing.ofFace(face, row[12]);
            assertEquals(row[13], window.left, 0);
            assertEquals(row[14], window.top, 0);
            assertEquals(row[15], window.width, 0);
            assertEquals(row[16], window.angle, 1e-6);
        }
    }

    /** The crops of moved.txt are framing_network.moved's of the same outputs. */
    @Test
    public void movesCropsAsPython() throws Exception {
        List<double[]> rows = Golden.numbers("moved.txt");
        assertEquals(6, rows.size());
        for (double[] row : rows) {
            float[] output = new float[4];
            for (int k = 0; k < 4; k++) {
                output[k] = (float) row[4 + k];
            }
            double[] made = FramingNetwork.moved(Arrays.copyOf(row, 4), output);
            assertArrayEquals(Arrays.copyOfRange(row, 8, 12), made, 1e-4);
        }
    }

    /** The network sees a part of the crop that lies around the mouth, and a second time where it says. */
    @Test
    public void looksAgainWhereTheNetworkSays() throws Exception {
        final List<float[]> seen = new ArrayList<float[]>();
        Network network = new Network() {
            @Override
            public List<Tensor> inputs() {
                return Collections.singletonList(new Tensor("image", 1, 64, 64, 3));
            }

            @Override
            public List<Tensor> outputs() {
                return Collections.singletonList(new Tensor("correction", 1, 4));
            }

            @Override
            public Map<String, float[]> run(Map<String, float[]> feed) {
                seen.add(feed.get("image"));
                return Collections.singletonMap("correction", new float[] {0, 0, 1, 0});
            }
        };
        int[] argb = new int[300 * 410];
        for (int i = 0; i < argb.length; i++) {
            argb[i] = 0xff000000 | (i % 300 / 2) << 16 | (i / 300 / 2) << 8;
        }
        double[] made = new FramingNetwork(network).corrected(
                new Look(new Picture(300, 410, argb)), new double[] {100, 0, 150, 200});
        assertArrayEquals(new double[] {100, 0, 157, 200}, made, 1e-6);
        assertEquals(2, seen.size());
        for (int n = 0; n < 2; n++) {
            double red = 0;
            double green = 0;
            for (int i = 0; i < 64 * 64; i++) {
                red += (seen.get(n)[3 * i] + 1) * 127.5 / (64 * 64);
                green += (seen.get(n)[3 * i + 1] + 1) * 127.5 / (64 * 64);
            }
            assertEquals((150 + 3.5 * n) / 2, red, 0.6);
            assertEquals(209 / 2.0, green, 0.6);
        }
    }

    @Test
    public void takesTheLargestFaceElseTheCentre() throws Exception {
        Framing framing = new Framing(true, 1);
        Framing.Frame none = framing.frame(PHOTO, finder());
        assertEquals(Framing.Note.NO_FACE, none.note);
        assertEquals("0,55,300,300", none.window.toString());
        Face small = face(60, 100, 100, 0);
        Face large = face(120, 150, 200, 0);
        Framing.Frame several = framing.frame(PHOTO, finder(large, small));
        assertEquals(Framing.Note.SEVERAL_FACES, several.note);
        assertEquals(Framing.ofFace(large, 1).toString(), several.window.toString());
        assertEquals(Framing.Note.FACE, framing.frame(PHOTO, finder(small)).note);
        Framing.Frame tiny = framing.frame(PHOTO, finder(face(20, 100, 100, 0)));
        assertEquals(Framing.Note.FACE_TOO_SMALL, tiny.note);
        assertEquals("0,55,300,300", tiny.window.toString());
    }

    @Test
    public void aModelOfOtherPicturesTakesTheCentre() throws Exception {
        Properties model = new Properties();
        assertEquals(Framing.Note.NO_FACE, Framing.of(model).frame(PHOTO, finder()).note);
        model.setProperty("faces", "false");
        model.setProperty("zoom", "x");
        Framing.Frame frame = Framing.of(model).frame(PHOTO, finder(face(120, 150, 200, 0)));
        assertEquals(Framing.Note.CENTRE, frame.note);
        assertEquals("0,55,300,300", frame.window.toString());
        assertEquals(Collections.emptyList(), finder().find(PHOTO));
    }
}
