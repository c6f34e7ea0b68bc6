package io.mizzen.engine;

import io.mizzen.bdev.Bdev;
import io.mizzen.engine.model.ObjectKind;
import io.mizzen.nexus.Nexus;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Function;

/**
 * What a nexus tells of itself, {@code what key=value ...}, as events: those about a child have the child's URI as the
 * object's name, and say in their details who it is, in the words of its view ({@link NexusEntry#details}). Control reactor
 * only.
 */
final class NexusEvents {
    /** Sentences for people; {@code {key}} is replaced. Kinds that are not here get the words as they came. */
    private static final Map<String, String> SENTENCES = Map.ofEntries(
            Map.entry("child-faulted", "child {child} of nexus {nexusName} is out: {reason}"),
            Map.entry("child-removed", "the device of child {child} of nexus {nexusName} is gone"),
            Map.entry("child-resized", "the device of child {child} of nexus {nexusName} has {size} bytes now"),
            Map.entry("child-added", "nexus {nexusName} has a new child {child}"),
            Map.entry("child-left", "child {child} has left nexus {nexusName}"),
            Map.entry("child-not-erased", "the metadata of nexus {nexusName} on child {child}, which has left, could not be erased"),
            Map.entry("child-online", "child {child} of nexus {nexusName} is back and gets what it missed"),
            Map.entry("child-returned", "the last healthy child {child} of nexus {nexusName} is back; hosts go on"),
            Map.entry("cache-lost", "the last healthy child {child} of nexus {nexusName} was away or could not be flushed: its write "
                    + "cache may have lost the newest writes to {regions} regions; the next flush of hosts fails"),
            Map.entry("child-lost", "the last healthy child {child} of nexus {nexusName} is gone; hosts wait"),
            Map.entry("child-healthy", "child {child} of nexus {nexusName} is healthy again"),
            Map.entry("rebuild-started", "child {child} of nexus {nexusName} is being rebuilt"),
            Map.entry("rebuild-failed", "the rebuild of child {child} of nexus {nexusName} has failed"),
            Map.entry("rebuild-source-failed", "child {source}, from which {child} was rebuilt, cannot be read; another one is taken"),
            Map.entry("verify-completed", "child {child} of nexus {nexusName} is equal to the one that it was compared with"),
            Map.entry("verify-mismatch", "child {child} of nexus {nexusName} differs in {different-bytes} bytes; GET its rebuilds"),
            Map.entry("verify-stopped", "the comparison of child {child} of nexus {nexusName} was stopped"),
            Map.entry("nexus-resized", "nexus {nexusName} has {bytes} bytes now"),
            Map.entry("verify-started", "child {child} of nexus {nexusName} is being compared with {source}"),
            Map.entry("repaired", "{blocks} blocks of child {child} of nexus {nexusName} were rewritten from another child"),
            Map.entry("repair-failed", "{blocks} blocks of child {child} of nexus {nexusName} could not be rewritten"),
            Map.entry("repair-impossible", "{blocks} blocks of child {child} of nexus {nexusName} can be read from no child"),
            Map.entry("io-waits", "nexus {nexusName} has no healthy child; hosts wait for up to {until-ms} ms"),
            Map.entry("io-fails", "nexus {nexusName} had no healthy child for {waited-ms} ms; hosts get errors"),
            Map.entry("io-goes-on", "nexus {nexusName} has a healthy child; hosts go on"),
            Map.entry("child-closed", "child {child} of nexus {nexusName} is closed"),
            Map.entry("metadata-not-stored", "generation {generation} of nexus {nexusName} could be stored on no child that must have it; writes are held "
                    + "back until one can be written (if none ever will: shut the nexus down and assemble it with allowMissing)"),
            Map.entry("resync-started", "nexus {nexusName} makes {regions} regions equal to child {source}"),
            Map.entry("resync-completed", "nexus {nexusName} is equal on all children again; {written} blocks differed"));

    /** Keys whose value is the bdev of another child. */
    private static final List<String> OTHER_CHILDREN = List.of("source", "destination");

    private final PlaneContext plane;
    private final Function<Nexus, NexusEntry> entries;
    private BiConsumer<Nexus, String> childClosed = (nexus, bdevName) -> { };

    /** @param entries null for a nexus that is being opened */
    NexusEvents(PlaneContext plane, Function<Nexus, NexusEntry> entries) {
        this.plane = plane;
        this.entries = entries;
    }

    /** Whom to tell the bdev's name of a child that a nexus has closed. */
    void onChildClosed(BiConsumer<Nexus, String> listener) {
        childClosed = listener;
    }

    void onEvent(Nexus nexus, String text) {
        int space = text.indexOf(' ');
        Map<String, String> details = parse(space < 0 ? "" : text.substring(space + 1));
        String word = space < 0 ? text : text.substring(0, space);
        boolean differs = word.equals("verify-completed") && !"0".equals(details.get("different-bytes"));
        String kind = differs ? "verify-mismatch" : word;
        String child = details.remove("child");
        NexusEntry entry = entries.apply(nexus);
        for (String other : OTHER_CHILDREN) {
            details.computeIfPresent(other, (key, name) -> uri(entry, name));
        }
        List<Object> pairs = child == null ? new ArrayList<>(List.of("nexusName", nexus.name())) : aboutChild(nexus, entry, child);
        details.forEach((key, value) -> {
            pairs.add(key);
            pairs.add(value);
        });
        details.put("nexusName", nexus.name());
        if (child == null) {
            plane.event(ObjectKind.NEXUS, nexus.uuid(), nexus.name(), kind, sentence(kind, text, details), pairs.toArray());
        } else {
            details.put("child", uri(entry, child));
            plane.event(ObjectKind.CHILD, null, details.get("child"), kind, sentence(kind, text, details), pairs.toArray());
        }
        if (kind.equals("child-closed")) {
            childClosed.accept(nexus, child);
        }
    }

    private List<Object> aboutChild(Nexus nexus, NexusEntry entry, String child) {
        if (entry != null) {
            entry.identify();       // A child may have become a member in this turn.
        }
        NexusEntry.Leg leg = entry == null ? null : entry.legNamed(child);
        if (leg != null) {
            return entry.details(leg);
        }
        Bdev bdev = plane.registry().find(child);
        boolean replica = bdev != null && bdev.product().equals(PlaneNames.PRODUCT_LVOL);
        return new ArrayList<>(Arrays.asList("bdev", bdev == null ? null : child, "memberUuid", bdev == null ? child : null,
                "replicaUuid", replica ? bdev.uuid() : null, "nexus", nexus.uuid(), "nexusName", nexus.name()));
    }

    /** The URI of a child; what the nexus calls it where nobody knows that. */
    private static String uri(NexusEntry entry, String child) {
        String uri = entry == null ? null : entry.uriOf(child);
        return uri == null ? child : uri;
    }

    /** Words with a '=' begin a value; what follows without one belongs to it. */
    private static Map<String, String> parse(String text) {
        Map<String, String> details = new LinkedHashMap<>();
        String key = null;
        for (String word : text.isEmpty() ? new String[0] : text.split(" ")) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                key = word.substring(0, equals);
                details.put(key, word.substring(equals + 1));
            } else {
                details.merge(key == null ? "what" : key, word, (before, more) -> before + ' ' + more);
            }
        }
        return details;
    }

    private static String sentence(String kind, String text, Map<String, String> details) {
        String form = SENTENCES.get(kind);
        if (form == null) {
            return "nexus " + details.get("nexusName") + ": " + text;
        }
        for (Map.Entry<String, String> detail : details.entrySet()) {
            form = form.replace("{" + detail.getKey() + "}", detail.getValue());
        }
        return form;
    }
}
