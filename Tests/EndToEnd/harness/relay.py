# Owns a network that breaks: a relay of bytes between a browser and the sidecar.
# Called by tests of what a client does when its connection is cut.
# Never changes a byte.
import socket
import threading

from .processes import free_port


class Relay:
    def __init__(self, port):
        self.target = port
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = None
        self.mend()

    def mend(self):
        """Connections are taken from now on."""
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def cut(self):
        """Every connection ends in the middle of whatever it was at, and no new one is taken."""
        # A shutdown wakes whoever waits in accept, which a close alone does not.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                self.shut(end)

    close = cut

    def accept(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            with self.lock:
                self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(source, sink), daemon=True).start()

    def pump(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        self.shut(source)
        self.shut(sink)

    @staticmethod
    def shut(end):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was shut already
