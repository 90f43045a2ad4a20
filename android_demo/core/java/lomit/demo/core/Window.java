package lomit.demo.core;

/** A rectangle within a picture, in pixels. */
public final class Window {
    public final int left;
    public final int top;
    public final int width;
    public final int height;

    public Window(int left, int top, int width, int height) {
        if (left < 0 || top < 0 || width < 1 || height < 1) {
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
}
