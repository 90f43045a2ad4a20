"""Java libraries and JUnit tests with the machine's own javac: Bazel's java_library downloads its compiler."""

load("@android_tools//:tools.bzl", "JAR", "JAVA", "JAVAC")

JarInfo = provider("A jar and the jars that it needs.", fields = {"jar": "its own", "all": "depset of it and its needs"})

def compile(ctx, jar, srcs, classpath):
    """Registers the action that makes a jar of Java 8 classes from sources."""
    args = ctx.actions.args()
    args.add_all(["--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options", "-Werror", "-g"])
    args.add_joined("-classpath", classpath, join_with = ":", omit_if_empty = True)
    args.add_all(srcs)
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    ctx.actions.run_shell(
        inputs = depset(srcs, transitive = [classpath]),
        outputs = [jar],
        arguments = [args],
        command = "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; %s -d $d \"$@\"; " % JAVAC +
                  "find $d -exec touch -t 198001020000 {} +; %s -c -f %s -M -C $d ." % (JAR, jar.path),
        mnemonic = "LomitJavac",
    )

def _library_impl(ctx):
    jar = ctx.actions.declare_file(ctx.label.name + ".jar")
    needs = depset(transitive = [dep[JarInfo].all for dep in ctx.attr.deps])
    compile(ctx, jar, ctx.files.srcs, needs)
    return [DefaultInfo(files = depset([jar])), JarInfo(jar = jar, all = depset([jar], transitive = [needs]))]

jvm_library = rule(
    implementation = _library_impl,
    attrs = {"srcs": attr.label_list(allow_files = [".java"]), "deps": attr.label_list(providers = [JarInfo])},
    doc = "A jar of Java 8 classes that needs no Android.",
)

def _test_impl(ctx):
    jar = ctx.actions.declare_file(ctx.label.name + ".jar")
    classpath = depset(ctx.files._junit, transitive = [dep[JarInfo].all for dep in ctx.attr.deps])
    compile(ctx, jar, ctx.files.srcs, classpath)
    jars = [jar] + classpath.to_list()
    data = ctx.files.data
    classes = [f.path.split("/javatests/")[1][:-5].replace("/", ".") for f in ctx.files.srcs if f.basename.endswith("Test.java")]
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, "#!/bin/bash\nexec %s %s -Djava.awt.headless=true -Dlomit.testdata=%s -cp %s org.junit.runner.JUnitCore %s\n" % (
        JAVA,
        " ".join(ctx.attr.jvm_flags),
        data[0].dirname if data else ".",
        ":".join([f.short_path for f in jars]),
        " ".join(classes),
    ), is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = jars + data))]

junit_test = rule(
    implementation = _test_impl,
    test = True,
    attrs = {
        "srcs": attr.label_list(allow_files = [".java"]),
        "deps": attr.label_list(providers = [JarInfo]),
        "jvm_flags": attr.string_list(),
        "data": attr.label_list(allow_files = True, doc = "files of one folder, named by the property lomit.testdata"),
        "_junit": attr.label_list(
            default = ["@android_tools//:junit-4.13.2.jar", "@android_tools//:hamcrest-core-1.3.jar"],
            allow_files = True,
        ),
    },
    doc = "Runs every source named *Test.java with JUnit 4.",
)
