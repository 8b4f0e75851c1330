import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.logging.internal.LoggerFactoryImpl;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.logging.internal.spi.LoggerFactory;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/**
 * Starts one Elasticsearch node from its published jars. The vendor's own launcher is not among them; this does what remains of its work
 * without security manager, keystore and x-pack. Arguments: {@code name=value}, each a setting of the node; path.home is one of them.
 */
public final class EsNode {
    public static void main(String[] arguments) throws Exception {
        Settings.Builder builder = Settings.builder();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            builder.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        Node node = new Node(environment(builder.build()), plugins(Path.of(builder.get("path.home"))));
        CountDownLatch closed = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(node, closed)));
        node.start();
        // Elasticsearch's own threads are daemons.
        closed.await();
    }

    private static Environment environment(Settings settings) throws Exception {
        LoggerFactory.setInstance(new LoggerFactoryImpl());
        LogConfigurator.registerErrorListener();
        Path config = Path.of(settings.get("path.home")).resolve("config");
        Environment environment = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), config, () -> "node-1");
        LogConfigurator.configure(environment, true);
        return environment;
    }

    @SuppressWarnings({ "unchecked", "rawtypes" })
    private static PluginsLoader plugins(Path home) throws Exception {
        Set modules = bundles("loadModulesBundles", home.resolve("modules"));
        Set plugins = bundles("loadPluginsBundles", home.resolve("plugins"));
        return PluginsLoader.createPluginsLoader(modules, plugins, Map.of(), false);
    }

    /** 9.5 gave loadModulesBundles a second parameter, `stateless`; before that, and for plugins, there is only the folder. */
    private static Set<?> bundles(String name, Path folder) throws Exception {
        for (Method method : PluginsLoader.class.getMethods()) {
            if (!method.getName().equals(name)) continue;
            return (Set<?>) (method.getParameterCount() == 1 ? method.invoke(null, folder) : method.invoke(null, folder, false));
        }
        throw new NoSuchMethodException(name);
    }

    private static void close(Node node, CountDownLatch closed) {
        try {
            node.close();
        } catch (Exception error) {
            error.printStackTrace();
        }
        closed.countDown();
    }
}
