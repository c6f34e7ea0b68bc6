package io.mizzen.api.security;

import io.mizzen.api.problem.BodyLimitFilter;
import io.mizzen.api.problem.Problem;
import io.mizzen.api.problem.ProblemReportValve;
import io.mizzen.control.properties.MizzenProperties;
import io.mizzen.control.properties.RestProperties;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.core.StandardHost;
import org.apache.tomcat.util.buf.EncodedSolidusHandling;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.userdetails.User;
import org.springframework.security.core.userdetails.UserDetailsService;
import org.springframework.security.core.userdetails.UsernameNotFoundException;
import org.springframework.security.crypto.factory.PasswordEncoderFactories;
import org.springframework.security.crypto.password.PasswordEncoder;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.www.BasicAuthenticationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.RequestRejectedHandler;
import org.springframework.security.web.firewall.StrictHttpFirewall;

/**
 * One rule for everything, actuator and documentation included: with credentials configured every request needs them;
 * without, only loopback is served.
 */
@Configuration(proxyBeanMethods = false)
public class SecurityConfiguration {
    /** Last among the customizers, so that it sees the address that will really be used. */
    @Bean
    ListenerCheck listenerCheck(MizzenProperties properties) {
        return new ListenerCheck(properties.rest());
    }

    @Bean
    SecurityFilterChain securityFilterChain(HttpSecurity http, MizzenProperties properties) {
        RestProperties rest = properties.rest();
        http.csrf(csrf -> csrf.disable())
            .logout(logout -> logout.disable())
            .requestCache(cache -> cache.disable())
            .sessionManagement(session -> session.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
            .exceptionHandling(handling -> handling
                .authenticationEntryPoint((request, response, failure) -> unauthorized(rest, request, response))
                .accessDeniedHandler((request, response, failure) -> Problem.of(HttpStatus.FORBIDDEN, "forbidden",
                    "This is not allowed.", request.getRequestURI()).writeTo(response)));
        if (rest.hasCredentials()) {
            http.authorizeHttpRequests(requests -> requests.anyRequest().authenticated());
        } else {
            http.authorizeHttpRequests(requests -> requests.anyRequest().permitAll());
        }
        if (!rest.user().isEmpty()) {
            http.httpBasic(basic -> basic.authenticationEntryPoint(
                (request, response, failure) -> unauthorized(rest, request, response)));
        }
        if (!rest.token().isEmpty()) {
            http.addFilterBefore(new TokenFilter(rest.token()), BasicAuthenticationFilter.class);
        }
        return http.build();
    }

    @Bean
    PasswordEncoder passwordEncoder() {
        return PasswordEncoderFactories.createDelegatingPasswordEncoder();
    }

    @Bean
    UserDetailsService userDetailsService(MizzenProperties properties, PasswordEncoder encoder) {
        RestProperties rest = properties.rest();
        String encoded = rest.user().isEmpty() ? "" : encoder.encode(rest.password());
        return name -> {
            if (rest.user().isEmpty() || !rest.user().equals(name)) {
                throw new UsernameNotFoundException("no such user");
            }
            return User.withUsername(name).password(encoded).build();
        };
    }

    @Bean
    RequestRejectedHandler requestRejectedHandler() {
        return (request, response, rejected) -> Problem.of(HttpStatus.BAD_REQUEST, "request-rejected",
            "The request was refused: " + rejected.getMessage(), null).writeTo(response);
    }

    @Bean
    FilterRegistrationBean<ForeignPageFilter> foreignPageFilter(MizzenProperties properties) {
        return ordered(new FilterRegistrationBean<>(new ForeignPageFilter(properties.rest().hostNames())), 0);
    }

    @Bean
    FilterRegistrationBean<BodyLimitFilter> bodyLimitFilter(MizzenProperties properties) {
        return ordered(new FilterRegistrationBean<>(new BodyLimitFilter(properties.rest().bodyLimit().bytes())), 1);
    }

    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> problemReports() {
        return factory -> factory.addContextCustomizers(context ->
            ((StandardHost) context.getParent()).setErrorReportValveClass(ProblemReportValve.class.getName()));
    }

    /** Names of bdevs may contain slashes, written {@code %2F}; there is one rule for all paths, so none is bypassed. */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> encodedSlashes() {
        return factory -> factory.addConnectorCustomizers(connector -> connector.setEncodedSolidusHandling(
            EncodedSolidusHandling.PASS_THROUGH.getValue()));
    }

    @Bean
    HttpFirewall httpFirewall() {
        StrictHttpFirewall firewall = new StrictHttpFirewall();
        firewall.setAllowUrlEncodedSlash(true);
        firewall.setAllowUrlEncodedDoubleSlash(true);
        firewall.setAllowUrlEncodedPercent(true);   // What %2F is until the path is split into segments.
        return firewall;
    }

    private static <T extends jakarta.servlet.Filter> FilterRegistrationBean<T> ordered(
        FilterRegistrationBean<T> registration, int position) {
        registration.setOrder(Ordered.HIGHEST_PRECEDENCE + position);
        return registration;
    }

    private static void unauthorized(RestProperties rest, HttpServletRequest request, HttpServletResponse response)
        throws IOException {
        response.setHeader(HttpHeaders.WWW_AUTHENTICATE,
            rest.user().isEmpty() ? "Bearer realm=\"mizzen\"" : "Basic realm=\"mizzen\"");
        Problem.of(HttpStatus.UNAUTHORIZED, "unauthorized", "This engine asks for credentials, and the request has none "
            + "or wrong ones.", request.getRequestURI()).writeTo(response);
    }
}
