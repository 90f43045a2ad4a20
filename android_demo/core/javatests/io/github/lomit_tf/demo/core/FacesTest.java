package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.Test;

/** The face detector's decoding and looking against lomit_tf/imaging/faces.py, whose results golden.py wrote. */
public final class FacesTest {
    /** Outputs of both networks, made up: anchor, logit and 16 numbers a row; the others have no face. */
    private static List<double[]> decoded(FaceModel model, int anchors, String name) throws Exception {
        float[] logits = new float[anchors];
        float[] regressors = new float[16 * anchors];
        java.util.Arrays.fill(logits, -100f);
        for (double[] row : Golden.numbers(name)) {
            int anchor = (int) row[0];
            logits[anchor] = (float) row[1];
            for (int i = 0; i < 16; i++) {
                regressors[16 * anchor + i] = (float) row[2 + i];
            }
        }
        return FaceModel.merged(model.decode(regressors, logits, 0.3));
    }

    @Test
    public void decodesAsPython() throws Exception {
        compare("short_merged.txt", decoded(FaceModel.shortRange(null), 896, "short_output.txt"));
        compare("full_merged.txt", decoded(FaceModel.fullRange(null), 2304, "full_output.txt"));
    }

    private static void compare(String name, List<double[]> found) throws Exception {
        List<double[]> expected = Golden.numbers(name);
        assertTrue(name, expected.size() > 2);
        assertEquals(name, expected.size(), found.size());
        for (int n = 0; n < found.size(); n++) {
            org.junit.Assert.assertArrayEquals(name, expected.get(n), found.get(n), 1e-6);
        }
    }

    /** Near and far, turned, beyond the border: squares as OpenCV samples them. */
    @Test
    public void looksAsPython() throws Exception {
        Look look = new Look(Golden.picture("large.png"));
        int n = 0;
        for (double[] square : new double[][] {{150, 140, 90, 20, 128}, {149.5, 144.5, 300, 0, 64}, {40, 250, 260, -40, 48}}) {
            Affine to = Look.toPicture(square[0], square[1], square[2], square[3]);
            Picture made = look.square(to, square[2], (int) square[4]);
            Golden.assertNear(Golden.picture("look_" + n++ + ".png"), made, 1);
        }
    }

    @Test
    public void looksAtTheSameSquares() throws Exception {
        List<double[]> made = new ArrayList<double[]>();
        made.addAll(BlazeFace.squares(1000, 700));
        made.addAll(BlazeFace.squares(300, 4000));
        List<double[]> expected = Golden.numbers("squares.txt");
        assertEquals(expected.size(), made.size());
        for (int n = 0; n < made.size(); n++) {
            org.junit.Assert.assertArrayEquals(expected.get(n), made.get(n), 1e-9);
        }
    }
}
