package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import io.github.lomit_tf.demo.core.DemoState.Phase;
import java.util.Arrays;
import org.junit.Test;

public final class DemoStateTest {
    private static DemoState ready() {
        DemoState state = new DemoState();
        assertEquals(-1, state.start());
        state.pick(Side.INPUT, "content://input");
        assertEquals(Phase.PICKING, state.phase());
        state.pick(Side.EXEMPLAR, "asset:///star.png");
        assertEquals(Phase.READY, state.phase());
        return state;
    }

    @Test
    public void fromPickingToDoneAndBackToReady() {
        DemoState state = ready();
        int run = state.start();
        assertEquals(Phase.TRANSLATING, state.phase());
        assertEquals("one at a time", -1, state.start());
        assertTrue(state.finish(run, "file:///result.png", 41));
        assertEquals(Phase.DONE, state.phase());
        assertEquals(41, state.milliseconds());
        state.edits(Side.INPUT).add(new Stroke(0, false, 0.1f, 1f, new float[] {0, 0}));
        state.changed();
        assertEquals(Phase.READY, state.phase());
        assertEquals("", state.result());
        state.pick(Side.INPUT, "content://other");
        assertFalse(state.edits(Side.INPUT).canUndo());
    }

    @Test
    public void whatIsNotTheCurrentRunIsDropped() {
        DemoState state = ready();
        int first = state.start();
        state.cancel();
        assertEquals(Phase.READY, state.phase());
        int second = state.start();
        assertFalse(state.finish(first, "file:///old.png", 1));
        assertFalse(state.fail(first, DemoException.Kind.OUT_OF_MEMORY));
        assertEquals(Phase.TRANSLATING, state.phase());
        assertTrue(state.fail(second, DemoException.Kind.OUT_OF_MEMORY));
        assertEquals(DemoException.Kind.OUT_OF_MEMORY, state.error());
        assertEquals(Phase.ERROR, state.phase());
        assertTrue("after a failure it can be tried again", state.start() > second);
        assertNull(state.error());
    }

    @Test
    public void choosingGroupsMakesTheResultOld() {
        DemoState state = ready();
        assertTrue(state.chosen(5));
        state.finish(state.start(), "file:///result.png", 5);
        state.choose(1, true);
        assertEquals("it was chosen already", Phase.DONE, state.phase());
        state.choose(1, false);
        assertEquals(Phase.READY, state.phase());
        DemoState back = DemoState.restore(state.snapshot());
        assertTrue(back.chosen(0));
        assertFalse(back.chosen(1));
        assertTrue(back.chosen(2));
        assertTrue(Arrays.equals(new boolean[] {true, false}, back.chosen()));
    }

    @Test
    public void outlivesTheProcess() {
        DemoState state = ready();
        state.edits(Side.INPUT).add(new Stroke(0, true, 0.2f, 0.5f, new float[] {0.125f, 0.25f, 0.375f, -0.5f}));
        state.edits(Side.EXEMPLAR).add(new Stroke(1, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        state.edits(Side.EXEMPLAR).undo();
        state.changed();
        int run = state.start();
        DemoState during = DemoState.restore(state.snapshot());
        assertEquals("the work died with the process", Phase.READY, during.phase());
        assertFalse(during.finish(run, "file:///result.png", 1));
        state.finish(run, "file:///result.png", 77);
        DemoState back = DemoState.restore(state.snapshot());
        assertEquals(Phase.DONE, back.phase());
        assertEquals("file:///result.png", back.result());
        assertEquals(77, back.milliseconds());
        assertTrue(back.edits(Side.EXEMPLAR).canRedo());
        Planes masks = new Planes(32, 32, 2);
        Arrays.fill(masks.values, 0.5f);
        assertArrayEquals(state.edits(Side.INPUT).drawnOn(masks).values, back.edits(Side.INPUT).drawnOn(masks).values, 0f);
        assertArrayEquals(state.snapshot(), back.snapshot());
    }

    @Test
    public void undoesOnThePictureThatWasPaintedOnLast() {
        DemoState state = ready();
        EditHistory history = new EditHistory(state);
        assertFalse(history.canStep(true));
        assertNull(history.step(true));
        Stroke dot = new Stroke(0, false, 0.1f, 1f, new float[] {0, 0});
        history.paint(Side.INPUT, dot);
        history.paint(Side.EXEMPLAR, dot);
        state.finish(state.start(), "file:///result.png", 5);
        assertEquals(Side.EXEMPLAR, history.step(true));
        assertEquals("the result is of other masks", Phase.READY, state.phase());
        assertEquals("then on the other one", Side.INPUT, history.step(true));
        assertFalse(history.canStep(true));
        assertEquals(Side.EXEMPLAR, history.step(false));
        assertTrue(state.edits(Side.EXEMPLAR).canUndo());
        assertFalse(state.edits(Side.INPUT).canUndo());
        state.pick(Side.EXEMPLAR, "asset:other.png");
        assertFalse("strokes go with their picture", history.canStep(true));
        assertTrue(history.canStep(false));
    }

    @Test
    public void damagedSnapshotsGiveANewState() {
        byte[] whole = ready().snapshot();
        assertEquals(Phase.PICKING, DemoState.restore(null).phase());
        for (int length = 0; length < whole.length; length++) {
            DemoState state = DemoState.restore(Arrays.copyOf(whole, length));
            assertEquals(Phase.PICKING, state.phase());
            assertEquals("", state.uri(Side.INPUT));
        }
        whole[3]++;
        assertEquals("another version", "", DemoState.restore(whole).uri(Side.INPUT));
    }
}
