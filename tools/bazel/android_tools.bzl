"""Finds what builds an APK: an Android SDK at ANDROID_HOME, else Debian's tools and Maven Central's files."""

_SETUP = "run tools/android/setup.sh"

def _newest(paths):
    """The path whose name has the highest number: build-tools/34.0.0, platforms/android-34."""
    best, best_key = None, None
    for path in paths:
        numbers = path.basename.replace("android-", "").split(".")
        if not [n for n in numbers if not n.isdigit()]:
            key = [int(n) for n in numbers]
            if best_key == None or key > best_key:
                best, best_key = path, key
    return best

def _of_sdk(ctx, sdk):
    """(tools, framework, dexer) of an SDK; None where it lacks a part."""
    build_tools, platforms = ctx.path(sdk + "/build-tools"), ctx.path(sdk + "/platforms")
    if not build_tools.exists or not platforms.exists:
        return None
    tools, platform = _newest(build_tools.readdir()), _newest(platforms.readdir())
    if tools == None or platform == None:
        return None
    found = {name: tools.get_child(name) for name in ("aapt2", "zipalign", "apksigner")}
    jar, dexer = platform.get_child("android.jar"), tools.get_child("lib").get_child("d8.jar")
    if [p for p in found.values() + [jar, dexer] if not p.exists]:
        return None
    return found, jar, dexer

def _of_debian(ctx, deps):
    found = {}
    for name in ("aapt2", "zipalign", "apksigner"):
        found[name] = ctx.which(name)
        if found[name] == None:
            fail("%s is not installed; %s" % (name, _SETUP))
    return found, deps["android-all"], deps["dalvik-dx"]

def _impl(ctx):
    home = ctx.os.environ.get("HOME", "")
    folder = ctx.os.environ.get("LOMIT_ANDROID_DEPS") or home + "/.cache/lomit_tf/android"
    deps, robolectric = {}, []
    for line in ctx.read(ctx.attr.artifacts).split("\n"):
        if not line or line.startswith("#"):
            continue
        sha256, path = line.split(" ")[:2]
        name = path.split("/")[-1]
        if not ctx.path(folder + "/" + name).exists:
            fail("%s/%s: no such file; %s" % (folder, name, _SETUP))

        # Checked here, so that the build takes what is pinned whoever put it there; no network is used.
        ctx.download("file://%s/%s" % (folder, name), name, sha256 = sha256)
        deps[path.split("/")[-3]] = ctx.path(name)
        if line.endswith(" robolectric"):
            robolectric.append(name)
    for name, what in (("libLiteRt.so", "LiteRT"), (deps["android-all-instrumented"].basename, "Robolectric's Android")):
        if not ctx.path(folder + "/" + name).exists:
            fail("%s/%s (%s): no such file; %s" % (folder, name, what, _SETUP))
    ctx.symlink(folder + "/libLiteRt.so", "libLiteRt.so")
    monitor = ctx.execute([ctx.which("unzip"), "-q", "-o", deps["monitor"].basename, "classes.jar", "-d", "monitor"])
    if monitor.return_code:
        fail("%s: cannot be unpacked: %s" % (deps["monitor"], monitor.stderr))
    robolectric = [n for n in robolectric if not n.endswith(".aar")] + ["monitor/classes.jar"]
    sdk = ctx.os.environ.get("ANDROID_HOME") or ctx.os.environ.get("ANDROID_SDK_ROOT")
    chosen = _of_sdk(ctx, sdk) if sdk else None
    tools, framework, dexer = chosen or _of_debian(ctx, deps)
    for name in ("javac", "java", "jar", "keytool", "unzip", "zip", "enjarify"):
        tools[name] = ctx.which(name)
        if tools[name] == None:
            fail("%s is not installed; %s" % (name, _SETUP))
    for name, path in (("framework.jar", framework), ("dexer.jar", dexer)):
        ctx.symlink(path, name)
    for part in ("tensorflow-lite", "tensorflow-lite-api"):
        done = ctx.execute([str(tools["unzip"]), "-q", "-o", deps[part].basename, "-d", part])
        if done.return_code:
            fail("%s: cannot be unpacked: %s" % (deps[part], done.stderr))
    done = ctx.execute([
        str(tools["keytool"]), "-genkeypair", "-keystore", "debug.keystore", "-storetype", "PKCS12", "-storepass",
        "android", "-alias", "debug", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10950", "-dname", "CN=Debug",
    ])
    if done.return_code:
        fail("keytool made no debug key: %s" % (done.stdout + done.stderr))
    lines = ["%s = %s" % (name.upper(), repr(str(path))) for name, path in sorted(tools.items())]
    lines.append("DEXER = %s" % repr("d8" if chosen else "dx"))
    ctx.file("tools.bzl", "\"\"\"Where the tools are.\"\"\"\n\n%s\n" % "\n".join(lines))
    ctx.file("BUILD", """package(default_visibility = ["//visibility:public"])
exports_files(["framework.jar", "dexer.jar", "debug.keystore", "junit-4.13.2.jar", "hamcrest-core-1.3.jar", "libLiteRt.so"])
filegroup(name = "tflite_classes", srcs = ["tensorflow-lite/classes.jar", "tensorflow-lite-api/classes.jar"])
filegroup(name = "tflite_libraries", srcs = glob(["tensorflow-lite/jni/*/*.so"]))
filegroup(name = "tflite_licence", srcs = ["tensorflow-lite/LICENSE"])
filegroup(name = "jna", srcs = ["%s"])
filegroup(name = "robolectric_sdk", srcs = ["%s"])
filegroup(name = "robolectric", srcs = %s)
""" % (deps["jna"].basename, deps["android-all-instrumented"].basename, repr(robolectric)))

android_tools = repository_rule(
    implementation = _impl,
    attrs = {"artifacts": attr.label(default = "//tools/android:artifacts.txt", allow_single_file = True)},
    environ = ["ANDROID_HOME", "ANDROID_SDK_ROOT", "LOMIT_ANDROID_DEPS", "HOME", "PATH"],
    local = True,
    doc = "Tools and libraries of the Android demo.",
)
