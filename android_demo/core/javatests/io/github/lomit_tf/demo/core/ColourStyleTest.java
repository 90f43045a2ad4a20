package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.List;
import org.junit.Test;

/** Colours that are set, against lomit_tf/imaging/colours.py, whose moments golden.py wrote. */
public final class ColourStyleTest {
    @Test
    public void momentsAreThoseOfPython() throws Exception {
        List<double[]> rows = Golden.numbers("moments.txt");
        assertTrue(rows.size() + " colours", rows.size() >= 10);
        for (double[] row : rows) {
            int rgb = (int) row[0] << 16 | (int) row[1] << 8 | (int) row[2];
            float[] moments = new ColourStyle(rgb, "").moments();
            assertEquals(row.length - 3, moments.length);
            for (int i = 0; i < moments.length; i++) {
                assertEquals("colour " + Integer.toHexString(rgb) + ", moment " + i, row[3 + i], moments[i], 1e-6);
            }
        }
    }

    @Test
    public void areWrittenAsUris() {
        ColourStyle lips = ColourStyle.parse(new ColourStyle(0xff0a3b12, "lips").uri());
        assertEquals(0x0a3b12, lips.rgb);
        assertEquals("lips", lips.group);
        assertEquals("colour:#0a3b12", new ColourStyle(0x0a3b12, "").uri());
        assertEquals("", ColourStyle.parse("colour:#0A3B12").group);
        assertTrue(ColourStyle.isOne("colour:#0a3b12"));
        assertFalse(ColourStyle.isOne("content://gallery/1"));
        for (String wrong : new String[] {"", "#0a3b12", "colour:red", "colour:#0a3b1", "colour:#0a3b12ff", "colour:#0a3b1g"}) {
            try {
                ColourStyle.parse(wrong);
                fail(wrong);
            } catch (IllegalArgumentException e) {
                assertTrue(e.getMessage(), e.getMessage().contains("received " + wrong));
            }
        }
    }
}
