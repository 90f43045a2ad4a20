package lomit.demo.core;

import static org.junit.Assert.assertEquals;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;
import org.junit.Test;

public final class FramingTest {
    private static final Picture PHOTO = new Picture(30, 41, new int[30 * 41]);

    private static FaceFinder finder(final FaceFinder.Eyes... eyes) {
        return new FaceFinder() {
            @Override
            public List<Eyes> find(Picture picture) {
                return Arrays.asList(eyes);
            }
        };
    }

    /** The numbers are Python's: framing.face_window((93, 40, 170, 170)), and with zoom 108 / 178. */
    @Test
    public void framesABoxAsPython() {
        assertEquals("30,-47,296,296", Framing.ofBox(93, 40, 170, 170, 1).toString());
        assertEquals("89,11,179,179", Framing.ofBox(93, 40, 170, 170, 108 / 178.0).toString());
        assertEquals("-5,-5,10,10", Framing.ofBox(-3, -2, 6, 6, 1).toString());
    }

    /** Eyes where CelebA's aligned pictures have them give CelebA's crop: 178x178 from (0, 20) on. */
    @Test
    public void framesEyesAsCelebA() {
        assertEquals("0,20,178,178", Framing.ofEyes(new FaceFinder.Eyes(89f, 111.5f, 39f), 1).toString());
    }

    @Test
    public void takesTheLargestFaceElseTheCentre() {
        Framing framing = new Framing(true, 1);
        Framing.Framed none = framing.frame(PHOTO, finder());
        assertEquals(Framing.Note.NO_FACE, none.note);
        assertEquals("0,5,30,30", none.window.toString());
        FaceFinder.Eyes small = new FaceFinder.Eyes(10, 10, 2);
        FaceFinder.Eyes large = new FaceFinder.Eyes(15, 20, 5);
        Framing.Framed several = framing.frame(PHOTO, finder(small, large));
        assertEquals(Framing.Note.SEVERAL_FACES, several.note);
        assertEquals(Framing.ofEyes(large, 1).toString(), several.window.toString());
        assertEquals(Framing.Note.FACE, framing.frame(PHOTO, finder(small)).note);
    }

    @Test
    public void aModelOfOtherPicturesTakesTheCentre() {
        Properties model = new Properties();
        assertEquals(Framing.Note.NO_FACE, Framing.of(model).frame(PHOTO, finder()).note);
        model.setProperty("faces", "false");
        model.setProperty("zoom", "x");
        Framing.Framed framed = Framing.of(model).frame(PHOTO, finder(new FaceFinder.Eyes(15, 20, 5)));
        assertEquals(Framing.Note.NOT_FOR_FACES, framed.note);
        assertEquals("0,5,30,30", framed.window.toString());
        assertEquals(Collections.emptyList(), finder().find(PHOTO));
    }
}
