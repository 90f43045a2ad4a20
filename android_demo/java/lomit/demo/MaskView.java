package lomit.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Rect;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;
import java.util.Arrays;
import lomit.demo.core.Planes;

/** The part of a picture that the model sees, its mask in red over it; a finger paints. */
public final class MaskView extends View {
    /** Hears of a finished line of the finger. */
    interface Listener {
        /** @param points x, y, ... in shares of the side. */
        void painted(float[] points);
    }

    private final Paint paint = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final Rect square = new Rect();
    private Bitmap picture;
    private Bitmap overlay;
    private Listener listener;
    private float[] points = new float[0];

    public MaskView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    void listen(Listener heard) {
        listener = heard;
    }

    void show(Bitmap seen, Planes mask) {
        picture = seen;
        overlay = null;
        if (mask != null) {
            int[] argb = new int[mask.values.length];
            for (int i = 0; i < argb.length; i++) {
                argb[i] = Math.round(140 * mask.values[i]) << 24 | 0xff2020;
            }
            overlay = Bitmap.createBitmap(argb, mask.width, mask.height, Bitmap.Config.ARGB_8888);
        }
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        int side = Math.min(getWidth(), getHeight());
        int left = (getWidth() - side) / 2;
        int top = (getHeight() - side) / 2;
        square.set(left, top, left + side, top + side);
        if (picture != null) {
            canvas.drawBitmap(picture, null, square, paint);
        }
        if (overlay != null) {
            canvas.drawBitmap(overlay, null, square, paint);
        }
    }

    @Override
    public boolean onTouchEvent(MotionEvent event) {
        if (overlay == null || square.isEmpty()) {
            return false;
        }
        float x = (event.getX() - square.left) / square.width();
        float y = (event.getY() - square.top) / square.height();
        switch (event.getActionMasked()) {
            case MotionEvent.ACTION_DOWN:
                getParent().requestDisallowInterceptTouchEvent(true); // else the page scrolls
                points = new float[] {x, y};
                return true;
            case MotionEvent.ACTION_MOVE:
                points = Arrays.copyOf(points, points.length + 2);
                points[points.length - 2] = x;
                points[points.length - 1] = y;
                return true;
            case MotionEvent.ACTION_UP:
                performClick();
                if (listener != null && points.length > 0) {
                    listener.painted(points);
                }
                points = new float[0];
                return true;
            default:
                return super.onTouchEvent(event);
        }
    }

    @Override
    public boolean performClick() {
        return super.performClick();
    }
}
