import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import org.apache.curator.test.InstanceSpec;
import org.apache.curator.test.TestingCluster;

/** Boots a TestingCluster of 3 twice in one JVM, and prints milliseconds until it serves. */
public class Boot {
    public static void main(String[] args) throws Exception {
        for (String name : new String[] {"first", "second"}) {
            long start = System.nanoTime();
            try (TestingCluster cluster = new TestingCluster(3)) {
                cluster.start();
                while (!serves(cluster)) {
                    Thread.sleep(5);
                }
                System.out.println(name + " " + (System.nanoTime() - start) / 1000000);
            }
        }
        System.exit(0);
    }

    static boolean serves(TestingCluster cluster) {
        int serving = 0;
        int leaders = 0;
        for (Object instance : cluster.getInstances()) {
            String mode = mode(((InstanceSpec) instance).getPort());
            serving += mode.isEmpty() ? 0 : 1;
            leaders += mode.equals("leader") ? 1 : 0;
        }
        return serving == 3 && leaders == 1;
    }

    static String mode(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 150);
            socket.setSoTimeout(150);
            socket.getOutputStream().write("srvr".getBytes(StandardCharsets.US_ASCII));
            String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            int at = answer.indexOf("Mode: ");
            return at < 0 ? "" : answer.substring(at + 6).split("\n")[0];
        } catch (IOException e) {
            return "";
        }
    }
}
