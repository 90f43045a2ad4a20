package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public final class MasksTest {
    private static final float[] MIDDLE = {0.5f, 0.5f};

    private static Stroke dot(boolean erase, float hardness) {
        return new Stroke(1, erase, 0.25f, hardness, MIDDLE);
    }

    @Test
    public void aHardBrushFillsADiscOfOneGroup() {
        MaskEdits edits = new MaskEdits();
        edits.add(dot(false, 1f));
        Planes before = new Planes(100, 100, 2);
        Planes after = edits.drawnOn(before);
        double area = 0;
        for (int i = 0; i < 100 * 100; i++) {
            assertEquals(0f, after.values[2 * i], 0f);
            area += after.values[2 * i + 1];
        }
        assertEquals(Math.PI * 25 * 25, area, 20);
        assertArrayEquals(new float[before.values.length], before.values, 0f);
    }

    @Test
    public void aSoftBrushFallsToItsRadius() {
        MaskEdits edits = new MaskEdits();
        edits.add(dot(false, 0f));
        Planes after = edits.drawnOn(new Planes(101, 101, 2)).channel(1);
        float[] row = java.util.Arrays.copyOfRange(after.values, 50 * 101, 51 * 101);
        assertEquals(1f, row[50], 1e-5f);
        assertEquals(0.5f, row[50 + 12] * 0.5f + row[50 + 13] * 0.5f, 0.02f);
        assertEquals(0f, row[50 + 26], 0f);
    }

    @Test
    public void erasesAndFollowsTheLine() {
        Planes full = new Planes(40, 40, 2);
        java.util.Arrays.fill(full.values, 1f);
        MaskEdits edits = new MaskEdits();
        edits.add(new Stroke(1, true, 0.1f, 1f, new float[] {0f, 0.5f, 1f, 0.5f}));
        Planes after = edits.drawnOn(full).channel(1);
        for (int x = 0; x < 40; x++) {
            assertEquals(0f, after.values[20 * 40 + x], 0f);
            assertEquals(1f, after.values[10 * 40 + x], 0f);
        }
    }

    @Test
    public void undoesAndRedoes() {
        Planes none = new Planes(20, 20, 2);
        MaskEdits edits = new MaskEdits();
        assertFalse(edits.canUndo());
        edits.undo();
        edits.add(dot(false, 1f));
        float[] painted = edits.drawnOn(none).values;
        edits.add(dot(true, 1f));
        assertArrayEquals(none.values, edits.drawnOn(none).values, 0f);
        edits.undo();
        assertArrayEquals(painted, edits.drawnOn(none).values, 0f);
        assertTrue(edits.canRedo());
        edits.redo();
        assertArrayEquals(none.values, edits.drawnOn(none).values, 0f);
        edits.undo();
        edits.undo();
        assertFalse(edits.canUndo());
        edits.add(dot(false, 0.5f));
        assertFalse("a new stroke ends what can be redone", edits.canRedo());
    }

    /** Of two groups, the first of which stays as it is. */
    @Test
    public void partsApartFromTheLargestAreLeftOutAsInPython() throws Exception {
        Planes mask = Golden.mask("parts.png");
        Planes expected = Golden.mask("parts_kept.png");
        Planes both = new Planes(mask.width, mask.height, 2);
        for (int i = 0; i < both.values.length; i++) {
            both.values[i] = mask.values[i / 2];
        }
        ConnectedMasks.keep(both, 1);
        assertArrayEquals(expected.values, both.channel(1).values, 0.501f / 255);
        assertArrayEquals(mask.values, both.channel(0).values, 0f);
        Planes faint = new Planes(4, 4, 1);
        java.util.Arrays.fill(faint.values, 0.2f);
        ConnectedMasks.keep(faint, 0);
        assertArrayEquals("nothing is above 0.2", new float[16], faint.values, 0f);
    }

    @Test(expected = IllegalArgumentException.class)
    public void aStrokeNeedsPoints() {
        new Stroke(0, false, 0.1f, 1f, new float[0]);
    }
}
