package io.github.lomit_tf.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
import android.content.ClipData;
import android.content.DialogInterface;
import android.content.Intent;
import android.net.Uri;
import android.os.Bundle;
import android.provider.MediaStore;
import android.view.View;
import android.widget.Spinner;
import io.github.lomit_tf.demo.core.Side;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** The only activity: its buttons, other apps' pictures, and what outlives rotation and the process's death. */
public final class MainActivity extends Activity implements View.OnClickListener {
    static final int PICK_PHOTO = 1;
    static final int TAKE_PHOTO = 2;
    static final int PICK_EXEMPLAR = 3;
    static final int SAVE = 4;
    private static final String STATE = "state";
    private static final String CAMERA = "camera";
    private static final String GROUP = "group";
    private static final String EXEMPLAR = "exemplar_"; // what the assets' exemplars are called

    private Session session;
    private Screen screen;
    private String camera = "";
    private int group;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.main);
        session = (Session) getLastNonConfigurationInstance(); // after a rotation, also in the middle of a translation
        if (session == null) {
            session = new Session(this, saved == null ? null : saved.getByteArray(STATE));
        }
        if (saved != null) {
            camera = saved.getString(CAMERA, "");
            group = saved.getInt(GROUP, 0);
        }
        int[] buttons = {R.id.pick_photo, R.id.take_photo, R.id.pick_exemplar, R.id.undo, R.id.redo, R.id.translate,
            R.id.cancel, R.id.save, R.id.share};
        for (int id : buttons) {
            findViewById(id).setOnClickListener(this);
        }
        screen = new Screen(this, session);
        session.attach(screen);
        screen.changed();
    }

    @Override
    protected void onPostCreate(Bundle saved) {
        super.onPostCreate(saved);
        screen.brush();
    }

    @Override
    public Object onRetainNonConfigurationInstance() {
        return session;
    }

    @Override
    protected void onDestroy() {
        session.attach(null);
        if (!isChangingConfigurations()) {
            session.close();
        }
        super.onDestroy();
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        out.putByteArray(STATE, session.state.snapshot());
        out.putString(CAMERA, camera);
        out.putInt(GROUP, Math.max(0, ((Spinner) findViewById(R.id.group)).getSelectedItemPosition()));
    }

    /** The group whose masks were shown before the process died or the screen turned. */
    static int groupOf(Activity activity) {
        return activity instanceof MainActivity ? ((MainActivity) activity).group : 0;
    }

    @Override
    public void onClick(View view) {
        int id = view.getId();
        if (id == R.id.pick_photo) {
            open(PICK_PHOTO);
        } else if (id == R.id.take_photo) {
            takePhoto();
        } else if (id == R.id.pick_exemplar) {
            pickExemplar();
        } else if (id == R.id.undo || id == R.id.redo) {
            session.step(id == R.id.undo);
        } else if (id == R.id.translate) {
            session.translate();
        } else if (id == R.id.cancel) {
            session.cancel();
        } else if (id == R.id.save) {
            start(new Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                    .setType("image/png").putExtra(Intent.EXTRA_TITLE, "lomit.png"), SAVE, R.string.no_files);
        } else if (id == R.id.share) {
            share(Uri.parse(session.state.result()));
        }
    }

    private void start(Intent intent, int request, int without) {
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException e) {
            screen.say(without);
        }
    }

    private void open(int request) {
        start(new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("image/*"), request,
                R.string.no_files);
    }

    private void takePhoto() {
        File file = new File(Pictures.folder(this), "photo-" + System.currentTimeMillis() + ".jpg");
        Uri uri = Pictures.shared(file);
        camera = uri.toString();
        Intent intent = new Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, uri)
                .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION | Intent.FLAG_GRANT_READ_URI_PERMISSION);
        intent.setClipData(ClipData.newRawUri("", uri)); // which the permission is for
        start(intent, TAKE_PHOTO, R.string.no_camera);
    }

    private void share(Uri result) {
        Intent intent = new Intent(Intent.ACTION_SEND).setType("image/png").putExtra(Intent.EXTRA_STREAM, result)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
        intent.setClipData(ClipData.newRawUri("", result));
        startActivity(Intent.createChooser(intent, null));
    }

    /** The exemplars of the assets: exemplar_NAME.jpg. */
    private List<String> bundled() {
        List<String> files = new ArrayList<String>();
        try {
            for (String name : getAssets().list("")) {
                if (name.startsWith(EXEMPLAR)) {
                    files.add(name);
                }
            }
        } catch (IOException e) { // then there are those of the gallery
            files.clear();
        }
        return files;
    }

    /** A portrait's text, which says whose it is and who made it; without one what the file is called. */
    private String title(String file) {
        String name = file.substring(0, file.lastIndexOf('.'));
        int text = getResources().getIdentifier(name, "string", getPackageName());
        return text == 0 ? name.substring(EXEMPLAR.length()).replace('_', ' ') : getString(text);
    }

    private void pickExemplar() {
        final List<String> bundled = bundled();
        String[] names = new String[bundled.size() + 1];
        for (int i = 0; i < bundled.size(); i++) {
            names[i] = title(bundled.get(i));
        }
        names[bundled.size()] = getString(R.string.from_gallery);
        new AlertDialog.Builder(this).setItems(names, new DialogInterface.OnClickListener() {
            @Override
            public void onClick(DialogInterface dialog, int which) {
                if (which == bundled.size()) {
                    open(PICK_EXEMPLAR);
                } else {
                    session.pick(Side.EXEMPLAR, Pictures.ofAsset(bundled.get(which)));
                }
            }
        }).show();
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        if (result != RESULT_OK) {
            return;
        }
        if (request == TAKE_PHOTO) {
            session.pick(Side.INPUT, camera);
            return;
        }
        Uri uri = data == null ? null : data.getData();
        if (uri == null) {
            return;
        }
        if (request == SAVE) {
            session.save(uri);
            return;
        }
        try { // so that it can be read after the process has died
            getContentResolver().takePersistableUriPermission(uri, Intent.FLAG_GRANT_READ_URI_PERMISSION);
        } catch (SecurityException notOffered) {
            screen.say(R.string.not_kept);
        }
        session.pick(request == PICK_PHOTO ? Side.INPUT : Side.EXEMPLAR, uri.toString());
    }
}
