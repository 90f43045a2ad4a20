package lomit.demo.core;

/** A rectangle in a picture, in pixels; a face's may reach beyond the picture, whose border is repeated there. */
public final class Window {
    public final int left;
    public final int top;
    public final int width;
    public final int height;

    public Window(int left, int top, int width, int height) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("no window: " + left + "," + top + "," + width + "," + height);
        }
        this.left = left;
        this.top = top;
        this.width = width;
        this.height = height;
    }

    /** The largest centred square; an odd margin leaves the extra pixel at the bottom or right (centre_crop). */
    public static Window centred(int width, int height) {
        int side = Math.min(width, height);
        return new Window((width - side) / 2, (height - side) / 2, side, side);
    }

    @Override
    public String toString() {
        return left + "," + top + "," + width + "," + height;
    }
}
