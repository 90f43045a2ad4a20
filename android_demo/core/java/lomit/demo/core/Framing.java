package lomit.demo.core;

import java.util.List;
import java.util.Properties;

/** Which part of a picture the model sees, as lomit_tf/imaging/framing.py: a face framed as CelebA's, else the centre. */
public final class Framing {
    /** CelebA's 178 px centre crop against a detector's box, in widths of the box. */
    public static final double SIDE_OF_BOX = 1.74;
    /** The crop's centre lies this far above the box's. */
    public static final double UP_OF_BOX = 0.144;
    // CelebA's aligned pictures have the eyes at (69.5, 111.5) and (108.5, 111.5), and the crop's centre at (89, 109).
    // A box's width in distances of the eyes, so that both ways give the same crop; and how far its centre lies below.
    static final double BOX_OF_EYES = 178 / 39.0 / SIDE_OF_BOX;
    static final double DOWN_OF_EYES = UP_OF_BOX * BOX_OF_EYES - 2.5 / 39;

    /** What to tell the person of a framing. */
    public enum Note { FACE, SEVERAL_FACES, NO_FACE, NOT_FOR_FACES }

    /** The models' own kind of pictures: photographs of faces, or others, of which the centre is taken. */
    private final boolean faces;
    private final double zoom;

    public Framing(boolean faces, double zoom) {
        this.faces = faces;
        this.zoom = zoom;
    }

    /** Of model.properties (tools/android/assets.py): faces=true or false, zoom=1. Without them faces are looked for. */
    public static Framing of(Properties model) {
        double zoom;
        try {
            zoom = Double.parseDouble(model.getProperty("zoom", "1"));
        } catch (NumberFormatException e) {
            zoom = 1;
        }
        return new Framing(!"false".equals(model.getProperty("faces")), zoom > 0 && zoom <= 1 ? zoom : 1);
    }

    /** A window, and why it is that one. */
    public static final class Framed {
        public final Window window;
        public final Note note;

        Framed(Window window, Note note) {
            this.window = window;
            this.note = note;
        }
    }

    /** The window of the largest face; the largest centred square where there is none or the model knows no faces. */
    public Framed frame(Picture picture, FaceFinder finder) {
        Window centre = Window.centred(picture.width, picture.height);
        if (!faces) {
            return new Framed(centre, Note.NOT_FOR_FACES);
        }
        List<FaceFinder.Eyes> found = finder.find(picture);
        FaceFinder.Eyes largest = null;
        for (FaceFinder.Eyes eyes : found) {
            if (eyes.distance > 0 && (largest == null || eyes.distance > largest.distance)) {
                largest = eyes;
            }
        }
        if (largest == null) {
            return new Framed(centre, Note.NO_FACE);
        }
        return new Framed(ofEyes(largest, zoom), found.size() > 1 ? Note.SEVERAL_FACES : Note.FACE);
    }

    /** CelebA's framing around eyes. */
    static Window ofEyes(FaceFinder.Eyes eyes, double zoom) {
        double width = BOX_OF_EYES * eyes.distance;
        return ofBox(eyes.middleX - width / 2, eyes.middleY + DOWN_OF_EYES * eyes.distance - width / 2, width, width, zoom);
    }

    /** CelebA's framing around a detector's box: framing.face_window. */
    static Window ofBox(double left, double top, double width, double height, double zoom) {
        int side = (int) Math.max(1, Math.rint(SIDE_OF_BOX * zoom * width));
        double x = left + width / 2;
        double y = top + height / 2 - UP_OF_BOX * width;
        return new Window((int) Math.floor(x - side / 2.0 + 0.5), (int) Math.floor(y - side / 2.0 + 0.5), side, side);
    }
}
