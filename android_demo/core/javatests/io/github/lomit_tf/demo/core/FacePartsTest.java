package io.github.lomit_tf.demo.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** What only faces have stays as it is in a picture without one, as in lomit_tf/photos/changeable.py. */
public final class FacePartsTest {
    private static final int SIDE = 150;
    private final Picture photo = TranslatorTest.plain(SIDE, SIDE, 0xff404040);
    private final Picture star = TranslatorTest.plain(SIDE, SIDE, 0xffffffff);

    private Picture translated(String faceParts, Framing.Note input, Framing.Note exemplar, MaskEdits edits,
            MaskEdits exemplarEdits) throws Exception {
        Translator translator = new Translator(TranslatorTest.white(), GreyPictureTest.painter(), "hair\nsmile", "hair", "",
                "smile", "", faceParts, null);
        Window all = new Window(0, 0, SIDE, SIDE);
        ModelView seen = translator.view(photo, new Framing.Frame(all, input));
        Exemplar of = Exemplar.of(translator.view(star, new Framing.Frame(all, exemplar)), exemplarEdits);
        return translator.translate(photo, seen, edits, of, new boolean[] {false, true});
    }

    @Test
    public void aSmileNeedsAFaceOnBothSides() throws Exception {
        MaskEdits none = new MaskEdits();
        MaskEdits drawn = new MaskEdits();
        drawn.add(new Stroke(1, false, 0.2f, 1f, new float[] {0.5f, 0.5f}));
        int middle = SIDE / 2 * SIDE + SIDE / 2;
        for (Framing.Note note : Framing.Note.values()) {
            boolean faceless = note == Framing.Note.NO_FACE || note == Framing.Note.FACE_TOO_SMALL;
            Picture[] made = {translated("smile", note, Framing.Note.FACE, none, none),
                    translated("smile", Framing.Note.FACE, note, none, none)};
            for (Picture one : made) {
                assertEquals(note.toString(), faceless, one.argb[middle] == 0xff404040);
            }
            if (faceless) {
                assertArrayEquals(photo.argb, made[0].argb);
                assertArrayEquals(photo.argb, made[1].argb);
            }
        }
        Framing.Note face = Framing.Note.FACE;
        Framing.Note noFace = Framing.Note.NO_FACE;
        assertTrue("drawn", translated("smile", noFace, face, drawn, none).argb[middle] != 0xff404040);
        assertTrue("drawn there", translated("smile", face, noFace, none, drawn).argb[middle] != 0xff404040);
        assertTrue("not a part of faces", translated("", noFace, noFace, none, none).argb[middle] != 0xff404040);
    }

    @Test(expected = DemoException.class)
    public void anUnknownPartIsRefused() throws Exception {
        translated("smirk", Framing.Note.FACE, Framing.Note.FACE, new MaskEdits(), new MaskEdits());
    }
}
