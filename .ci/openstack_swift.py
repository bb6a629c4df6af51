"""OpenStack Swift on loopback, for tests: python openstack_swift.py FOLDER PORT

One device, one replica, the servers on PORT (proxy) to PORT+3, and the S3 API beside Swift's own. Accounts: test:tester
(key testing, owner), test:reader (key reading, may do what a container's lists say). The servers end with this process,
however it ends, and what they stored stays in FOLDER: started again with the same arguments, it is there. As in any
deployment an updater runs beside them, and tells containers what an object server could not tell them at once.
"""
import base64
import ctypes
import os
import signal
import sys
import time

KINDS = ("proxy", "account", "container", "object")
FILTERS = ("catch_errors", "gatekeeper", "healthcheck", "proxy-logging", "listing_formats", "bulk", "s3api", "tempauth",
           "copy", "slo", "dlo", "versioned_writes")
PIPELINE = ("catch_errors gatekeeper healthcheck proxy-logging listing_formats bulk s3api tempauth copy slo dlo "
            "versioned_writes proxy-logging proxy-server")


def section(name, /, **settings):
    return "[%s]\n%s\n" % (name, "".join("%s = %s\n" % pair for pair in settings.items()))


def write(etc, name, *sections):
    with open(os.path.join(etc, name), "w") as file:
        file.write("\n".join(sections))


def configure(folder, port):
    """Configuration and rings, written once a folder."""
    import pwd
    from swift.common.ring import RingBuilder

    etc = os.path.join(folder, "etc")
    device = os.path.join(folder, "node", "d1")
    for path in (etc, device, os.path.join(folder, "cache")):
        os.makedirs(path)
    common = dict(swift_dir=etc, bind_ip="127.0.0.1", user=pwd.getpwuid(os.getuid()).pw_name, workers=0,
                  log_udp_host="127.0.0.1", log_udp_port=9, db_preallocation="off")
    write(etc, "swift.conf", section("swift-hash", swift_hash_path_prefix="test", swift_hash_path_suffix="test"),
          section("storage-policy:0", name="one", default="yes"))
    # An object server waits a second (by default) for its container and then acknowledges, with the update in its memory
    # only. A cluster has other replicas to tell the container should that one be killed now; this one has none.
    apps = {"object": dict(container_update_timeout=10)}
    for index, kind in enumerate(KINDS[1:], 1):
        write(etc, kind + "-server.conf",
              section("DEFAULT", bind_port=port + index, devices=os.path.dirname(device), mount_check="false",
                      disable_fallocate="true", recon_cache_path=os.path.join(folder, "cache"), **common),
              section("pipeline:main", pipeline=kind + "-server"),
              section("app:%s-server" % kind, use="egg:swift#" + kind, **apps.get(kind, {})),
              section(kind + "-updater"))
        builder = RingBuilder(4, 1, 1)
        builder.add_dev(dict(region=1, zone=1, ip="127.0.0.1", port=port + index, replication_ip="127.0.0.1",
                             replication_port=port + index, device="d1", weight=1.0, meta=""))
        builder.rebalance(seed=1)
        builder.get_ring().save(os.path.join(etc, kind + ".ring.gz"))
    extra = {
        "tempauth": dict(storage_url_scheme="http", user_test_tester="testing .admin", user_test_reader="reading",
                         fernet_key_test=base64.urlsafe_b64encode(os.urandom(32)).decode(),
                         active_fernet_key_id="test"),
        "s3api": dict(location="us-east-1"),
    }
    write(etc, "proxy-server.conf", section("DEFAULT", bind_port=port, **common),
          section("pipeline:main", pipeline=PIPELINE),
          section("app:proxy-server", use="egg:swift#proxy", account_autocreate="true"),
          *[section("filter:" + name, use="egg:swift#" + name.replace("-", "_"), **extra.get(name, {}))
            for name in FILTERS])


def serve(folder, kind):
    """Never returns."""
    from swift.common.utils import set_swift_dir
    from swift.common.wsgi import run_wsgi

    etc = os.path.join(folder, "etc")
    set_swift_dir(etc)
    more = {}
    if kind == "object":
        from swift.obj import server
        more["global_conf_callback"] = server.global_conf_callback
    sys.exit(run_wsgi(os.path.join(etc, kind + "-server.conf"), kind + "-server", verbose=True, **more))


def update(folder):
    """Never returns. What is to be told lies in `node/d1/async_pending`; looked at each second, by default each 300."""
    from swift.common.utils import eventlet_monkey_patch, readconf, set_swift_dir
    from swift.obj.updater import ObjectUpdater

    etc = os.path.join(folder, "etc")
    set_swift_dir(etc)
    eventlet_monkey_patch()
    updater = ObjectUpdater(readconf(os.path.join(etc, "object-server.conf"), "object-updater"))
    while True:
        updater.object_sweep(os.path.join(folder, "node", "d1"))
        time.sleep(1)


def main():
    folder, port = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    if not os.path.exists(os.path.join(folder, "etc", "proxy-server.conf")):
        configure(folder, port)
    parent, children = os.getpid(), []
    for kind in (*KINDS, "updater"):
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:
                os._exit(1)
            if kind == "updater":
                update(folder)
            serve(folder, kind)
        children.append(child)

    def end(*_):
        for child in children:
            os.kill(child, signal.SIGKILL)
        os._exit(0)

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    ended, status = os.wait()
    children.remove(ended)
    sys.stderr.write("the process %s ended with status %s\n" % (ended, status))
    for child in children:
        os.kill(child, signal.SIGKILL)
    sys.exit(1)


main()
