package io.mizzen.sim;

import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * A deliberately broken variant of one production class, made from its class file as it is loaded: one call (or one read of
 * a field) in one method goes to a static method of the tests instead, which gets the receiver and the arguments.
 *
 * @param what the defect, in words
 * @param type the production class
 * @param method its method, or the beginning of the name of its lambdas ({@code lambda$begin})
 * @param owner simple name of the class whose member is used there
 * @param member the method called or the field read
 * @param occurrence which of these uses, from 0; -1: all
 * @param instead the tests' class, in the package of {@code type}, and its method: {@code NexusMutations.acknowledge}
 */
record Mutant(String what, String type, String method, String owner, String member, int occurrence, String instead) {

    /** The broken class; fails if there is nothing to break, because the production code has changed. */
    byte[] apply(byte[] classFile) {
        ClassModel model = ClassFile.of().parse(classFile);
        int[] seen = {0};
        int[] replaced = {0};
        CodeTransform code = (builder, element) -> {
            if (isUse(element) && (occurrence < 0 || seen[0]++ == occurrence)) {
                replaced[0]++;
                replace(builder, element);
            } else {
                builder.with(element);
            }
        };
        byte[] broken = ClassFile.of().transformClass(model, ClassTransform.transformingMethodBodies(
                candidate -> matches(candidate.methodName().stringValue()), code));
        if (replaced[0] == 0) {
            throw new IllegalStateException("\"" + what + "\" does not fit any more: " + type + "." + method
                    + " does not use " + owner + "." + member);
        }
        return broken;
    }

    private boolean matches(String name) {
        return name.equals(method) || method.startsWith("lambda$") && name.startsWith(method + "$");
    }

    private boolean isUse(CodeElement element) {
        return switch (element) {
            case InvokeInstruction call -> isOwner(call.owner().asInternalName()) && call.name().equalsString(member);
            case FieldInstruction field -> field.opcode() == Opcode.GETFIELD && isOwner(field.owner().asInternalName())
                    && field.name().equalsString(member);
            default -> false;
        };
    }

    private boolean isOwner(String internalName) {
        return internalName.endsWith("/" + owner) || internalName.endsWith("$" + owner);
    }

    private void replace(CodeBuilder builder, CodeElement element) {
        String helper = type.substring(0, type.lastIndexOf('.') + 1) + instead.substring(0, instead.indexOf('.'));
        String name = instead.substring(instead.indexOf('.') + 1);
        MethodTypeDesc descriptor;
        if (element instanceof InvokeInstruction call) {
            descriptor = call.opcode() == Opcode.INVOKESTATIC ? call.typeSymbol()
                    : call.typeSymbol().insertParameterTypes(0, call.owner().asSymbol());
        } else {
            FieldInstruction field = (FieldInstruction) element;
            descriptor = MethodTypeDesc.of(field.typeSymbol(), field.owner().asSymbol());
        }
        builder.invokestatic(ClassDesc.of(helper), name, descriptor);
    }

    @Override
    public String toString() {
        return what;
    }
}
