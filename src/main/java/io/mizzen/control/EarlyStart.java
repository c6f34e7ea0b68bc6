package io.mizzen.control;

import io.mizzen.control.properties.ByteSizeConverter;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.RestProperties;
import jakarta.validation.Validation;
import jakarta.validation.ValidatorFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.convert.ApplicationConversionService;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * Starts the engine as soon as the properties are known, on a thread of its own, so that hosts have their volumes back
 * while the control plane is still being wired, which takes longer. REST opens its port afterwards, as ever.
 *
 * <p>It only hurries: where anything speaks against the start (a property that cannot be used, an open REST listener) it
 * does nothing, and the application's own wiring says what is wrong.
 */
public final class EarlyStart implements ApplicationContextInitializer<ConfigurableApplicationContext>, AutoCloseable {
    private static final String BEAN = "earlyStart";

    private final CompletableFuture<EngineLife> made = new CompletableFuture<>();
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private volatile boolean begun;

    /** Once, before the context has beans. */
    @Override
    public void initialize(ConfigurableApplicationContext context) {
        MizzenProperties properties = bind(context.getEnvironment());
        context.getBeanFactory().registerSingleton(BEAN, this);
        begun = true;
        Thread.ofPlatform().name("engine-start").daemon().start(() -> run(properties));
    }

    /** Null when they cannot be read. */
    private static MizzenProperties bind(ConfigurableEnvironment environment) {
        ApplicationConversionService conversions = new ApplicationConversionService();
        conversions.addConverter(new ByteSizeConverter());
        try {
            return new Binder(ConfigurationPropertySources.get(environment), new PropertySourcesPlaceholdersResolver(environment),
                conversions).bindOrCreate("mizzen", MizzenProperties.class);
        } catch (BindException e) {
            return null;                // The context binds them again, and reports this in full.
        }
    }

    private void run(MizzenProperties properties) {
        try {
            EngineLife life = properties != null && isUsable(properties)
                ? new EngineLife(properties, EngineLife.engine(properties)) : null;
            made.complete(life);
            if (life != null) {
                life.start();
            }
            started.complete(null);
        } catch (RuntimeException | Error failure) {
            made.completeExceptionally(failure);        // Nothing, if it was made.
            started.completeExceptionally(failure);
        }
    }

    private static boolean isUsable(MizzenProperties properties) {
        try (ValidatorFactory factory = Validation.buildDefaultValidatorFactory()) {
            return factory.getValidator().validate(properties).isEmpty() && isGuarded(properties.rest());
        }
    }

    private static boolean isGuarded(RestProperties rest) {
        try {
            return rest.hasCredentials() || InetAddress.getByName(rest.address()).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** What is being started; null when nothing is. Waits until that is known. */
    EngineLife life() {
        return wait(made);
    }

    /** Waits for the end of the start; throws what it failed with. */
    void await() {
        wait(started);
    }

    private static <T> T wait(CompletableFuture<T> future) {
        try {
            return future.join();
        } catch (CompletionException e) {
            switch (e.getCause()) {
                case RuntimeException failure -> throw failure;
                case Error failure -> throw failure;
                default -> throw e;
            }
        }
    }

    /** When the application did not start: the engine is stopped in order if it was. */
    @Override
    public void close() {
        EngineLife life = begun ? made.exceptionally(failure -> null).join() : null;
        if (life != null) {
            life.stop();
        }
    }
}
