package io.github.lomit_tf.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.graphics.Color;
import android.view.View;
import android.widget.Button;
import android.widget.LinearLayout;
import android.widget.SeekBar;
import io.github.lomit_tf.demo.core.ColourStyle;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.List;

/** The colours of colours.txt in rows, and a picker of any other; for models that take a colour. */
final class Swatches {
    /** Hears of a colour that is picked. */
    interface Listener {
        void picked(int rgb);
    }

    private static final int IN_A_ROW = 5;
    private static final int[] MOST = {359, 100, 100}; // hue in degrees, saturation and brightness in percent

    private final Activity activity;
    private final LinearLayout rows;
    private final Listener listener;
    private final List<SwatchView> views = new ArrayList<SwatchView>();
    private final List<Integer> colours = new ArrayList<Integer>();

    Swatches(Activity activity, LinearLayout rows, Listener listener) {
        this.activity = activity;
        this.rows = rows;
        this.listener = listener;
    }

    /** @param exemplar the exemplar's URI, which may be one of the colours. */
    void show(boolean able, String exemplar) {
        rows.setVisibility(able ? View.VISIBLE : View.GONE);
        if (able && views.isEmpty()) {
            fill();
        }
        int chosen = ColourStyle.isOne(exemplar) ? ColourStyle.parse(exemplar).rgb : -1;
        for (int i = 0; i < views.size(); i++) {
            boolean selected = colours.get(i) == chosen;
            if (views.get(i).isSelected() != selected) {
                views.get(i).setSelected(selected);
                views.get(i).invalidate();
            }
        }
    }

    private void fill() {
        List<View> cells = new ArrayList<View>();
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(activity.getAssets().open("colours.txt"), "UTF-8"))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.trim().split(" ");
                if (words.length == 2) {
                    cells.add(swatch(Color.parseColor(words[0]) & 0xffffff, words[1]));
                }
            }
        } catch (IOException | IllegalArgumentException e) { // then there is the picker
            cells.clear();
            views.clear();
            colours.clear();
        }
        Button other = new Button(activity);
        other.setText("…");
        other.setContentDescription(activity.getString(R.string.other_colour));
        other.setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View view) {
                pickOther();
            }
        });
        cells.add(other);
        LinearLayout row = null;
        for (View cell : cells) {
            if (row == null || row.getChildCount() == IN_A_ROW) {
                row = new LinearLayout(activity);
                rows.addView(row);
            }
            row.addView(cell, new LinearLayout.LayoutParams(0, Math.round(48 * density()), 1));
        }
    }

    private float density() {
        return activity.getResources().getDisplayMetrics().density;
    }

    private SwatchView swatch(final int rgb, String name) {
        SwatchView view = new SwatchView(activity, rgb);
        int id = activity.getResources().getIdentifier("colour_" + name, "string", activity.getPackageName());
        view.setContentDescription(id == 0 ? name : activity.getString(id));
        view.setOnClickListener(new View.OnClickListener() {
            @Override
            public void onClick(View clicked) {
                listener.picked(rgb);
            }
        });
        views.add(view);
        colours.add(rgb);
        return view;
    }

    /** A dialog with hue, saturation and brightness. */
    private void pickOther() {
        final float[] hsv = {20f, 0.6f, 0.5f};
        LinearLayout page = new LinearLayout(activity);
        page.setOrientation(LinearLayout.VERTICAL);
        int space = Math.round(16 * density());
        page.setPadding(space, space, space, 0);
        final SwatchView preview = new SwatchView(activity, rgb(hsv));
        page.addView(preview);
        int[] names = {R.string.hue, R.string.saturation, R.string.brightness};
        for (int i = 0; i < names.length; i++) {
            final int part = i;
            SeekBar bar = new SeekBar(activity);
            bar.setContentDescription(activity.getString(names[i]));
            bar.setMax(MOST[i]);
            bar.setProgress(Math.round(part == 0 ? hsv[0] : 100 * hsv[i]));
            bar.setMinimumHeight(Math.round(48 * density()));
            bar.setOnSeekBarChangeListener(new SeekBar.OnSeekBarChangeListener() {
                @Override
                public void onProgressChanged(SeekBar moved, int progress, boolean fromUser) {
                    hsv[part] = part == 0 ? progress : progress / 100f;
                    preview.show(rgb(hsv));
                }

                @Override
                public void onStartTrackingTouch(SeekBar moved) {}

                @Override
                public void onStopTrackingTouch(SeekBar moved) {}
            });
            page.addView(bar);
        }
        new AlertDialog.Builder(activity).setTitle(R.string.other_colour).setView(page)
                .setNegativeButton(android.R.string.cancel, null)
                .setPositiveButton(android.R.string.ok, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        listener.picked(rgb(hsv));
                    }
                }).show();
    }

    private static int rgb(float[] hsv) {
        return Color.HSVToColor(hsv) & 0xffffff;
    }
}
